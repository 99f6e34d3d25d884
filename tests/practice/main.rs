//! `cargo practice`: bugs to find, and exercises with checks.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`place`] | the folder `practice/`, and which task is meant |
//! | [`progress`] | what has been solved, and which hints were read |
//! | [`list`] | the table of tasks |
//! | [`start`] | writes the crate to work on, and keeps earlier work |
//! | [`check`] | tells whether a task is solved, and what else broke |
//! | [`reveal`] | one hint at a time, and the solution |
//! | [`verify`] | plants every bug and applies every solution, for authors and CI |
//! | [`record`] | makes a patch of an edited crate, for authors |
//!
//! The tasks are the library's: [`conversations::variant::task`].

mod check;
mod list;
mod place;
mod progress;
mod record;
mod reveal;
mod start;
mod verify;

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use conversations::command::{Answer, Failure, finish};

use crate::place::Place;

/// Bugs to find, and exercises with checks
///
/// Your work is in `practice/NAME/`, a crate of its own. Nothing but `reset`
/// touches it, and `reset` keeps a copy.
#[derive(Parser)]
#[command(name = "practice", bin_name = "cargo practice")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Folder for your work [default: practice, beside the stages]
    #[arg(long, global = true, value_name = "DIR")]
    dir: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// List the bugs and exercises, and what you have solved
    List {
        /// Only those of this stage
        stage: Option<u32>,
    },
    /// Write the crate of a bug or an exercise to work on
    Start {
        /// Its name, as `list` shows it
        name: String,
    },
    /// Check whether it is solved, and whether everything else still works
    Check {
        /// Its name; by default the one that you started last, or that of the
        /// current folder
        name: Option<String>,
    },
    /// Show the next hint
    Hint {
        /// As for `check`
        name: Option<String>,
    },
    /// Explain the bug, or show a solution
    Solution {
        /// As for `check`
        name: Option<String>,
    },
    /// Put your work aside and start again
    Reset {
        /// As for `check`
        name: Option<String>,
    },
    /// Plant each bug and apply each solution, and test both (for authors)
    Verify {
        /// Which ones; all by default
        names: Vec<String>,
        /// Run all tests on the solutions of exercises, not only a sample
        #[arg(long)]
        full: bool,
    },
    /// Make the patch of an edited crate (for authors)
    ///
    /// Takes `src/` and `tests/` of `practice/NAME/`. For a new patch, write a
    /// file with the header alone first. Without a folder `practice/NAME/`:
    /// fits the patch to a stage that has been edited.
    Record {
        /// Its name
        name: String,
    },
}

fn main() -> ExitCode {
    finish("cargo practice", run(Arguments::parse()))
}

fn run(arguments: Arguments) -> Result<Answer, Failure> {
    let here = env::current_dir()
        .map_err(|error| format!("cannot find the current folder: {error}"))?;
    let place = Place::find(&here, arguments.dir)?;
    match arguments.command {
        Command::List { stage } => list::list(&place, stage),
        Command::Start { name } => start::start(&place, &name),
        Command::Check { name } => check::check(&place, name.as_deref()),
        Command::Hint { name } => reveal::hint(&place, name.as_deref()),
        Command::Solution { name } => reveal::solution(&place, name.as_deref()),
        Command::Reset { name } => start::reset(&place, name.as_deref()),
        Command::Verify { names, full } => verify::verify(&place, &names, full),
        Command::Record { name } => record::record(&place, &name),
    }
}
