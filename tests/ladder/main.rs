//! `cargo ladder`: what changes from one stage to the next, and why.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`declared`] | reads `tests/ladder.toml`: what may differ, and why |
//! | [`step`] | what does differ between two neighbours |
//! | [`check`], [`series`] | hold the one against the other, and the sub-steps against the stages |
//! | [`table`], [`diff`] | print it, in short and in full |
//! | [`carry`] | takes an edit from one stage to all other trees |
//! | [`plan`], [`chain`], [`git`] | what the edit means for one tree, for one file in all sub-steps, and since the last commit |
//! | [`follow`] | fits the sub-steps to stages that have been edited |
//! | [`checkout`] | writes a tree as a crate that needs no workspace |
//! | [`build`] | builds and tests them |
//! | [`record`] | takes an edited crate as a sub-step's new tree |
//!
//! The stages, the sub-steps and the crates made from them are the library's:
//! [`conversations::variant`].

mod build;
mod carry;
mod chain;
mod check;
mod checkout;
mod declared;
mod diff;
mod follow;
mod git;
mod plan;
mod record;
mod series;
mod step;
mod table;

use std::env;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use conversations::command::{Answer, Failure, finish};
use conversations::number::Number;
use conversations::variant::stages::Ladder;

use crate::check::Part;

/// What changes from one stage to the next, and why
///
/// Without a command: a table of all steps and sub-steps, file by file.
#[derive(Parser)]
#[command(name = "ladder", bin_name = "cargo ladder")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Print how stage N, or sub-step N.M, differs from the one before it
    Diff {
        /// The later of the two, such as `5` or `5.2`
        #[arg(value_name = "N")]
        number: Number,
        /// Only this file, such as `server.rs` or `tests/http.rs`
        file: Option<String>,
    },
    /// Write a stage or a sub-step as a crate that builds outside the workspace
    Checkout {
        /// Which one, such as `5` or `5.2`
        #[arg(value_name = "N")]
        number: Number,
        /// A new or empty folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Make an edited checkout the new tree of a sub-step (for authors)
    ///
    /// Takes `src/` and `tests/`, and rewrites the patches of this sub-step and
    /// of the next one; all other trees stay what they are. `Cargo.toml` stays
    /// as it was recorded, unless the one in DIR is that of a member of the
    /// workspace.
    ///
    /// With the number of a stage and no DIR: the stage itself was edited, and
    /// no other tree shall have the edit. Rewrites the last patch that leads to
    /// it, and the first one that starts from it.
    Record {
        /// The sub-step, such as `5.2`, or a stage
        #[arg(value_name = "N.M")]
        number: Number,
        /// The folder with the edited crate
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
        /// Append a new sub-step with this name, such as `slow-clients`
        #[arg(long)]
        name: Option<String>,
    },
    /// Build sub-steps without a warning, and run their tests
    Test {
        /// Which ones, such as `5.2`; by default all but the last of a stage,
        /// which is the stage itself
        #[arg(value_name = "N.M")]
        numbers: Vec<Number>,
        /// Only tests with this in their name
        #[arg(last = true, value_name = "FILTER")]
        filter: Option<String>,
    },
    /// Take an edit that is not committed yet to all other stages and sub-steps
    Carry {
        /// The edited file, such as `stage2-poll/src/http/target.rs`
        file: PathBuf,
    },
    /// Take what has happened to the stages into the sub-steps between them
    ///
    /// For edits that the stages have already, as after a merge; `carry` does
    /// it as well for the file that it carries. A sub-step takes the edits of
    /// the stage before it and of the stage that it leads to.
    Follow {
        /// The commit at which the sub-steps fitted the stages
        #[arg(long, value_name = "COMMIT", default_value = git::LAST)]
        since: String,
    },
    /// Hold the stages against tests/ladder.toml, and against their sub-steps
    Check {
        /// Only this part; all if it is left out
        part: Option<Part>,
    },
}

fn main() -> ExitCode {
    finish("cargo ladder", run(Arguments::parse().command))
}

fn run(command: Option<Command>) -> Result<Answer, Failure> {
    let here = env::current_dir()
        .map_err(|error| format!("cannot tell the current folder: {error}"))?;
    let ladder = Ladder::find(&here)?;
    match command {
        None => Ok(table::table(&ladder)?),
        Some(Command::Diff { number, file }) => {
            diff::diff(&ladder, number, file.as_deref(), colour())
        }
        Some(Command::Checkout { number, folder }) => {
            checkout::checkout(&ladder, number, &here.join(folder))
        }
        Some(Command::Record { number, folder, name }) => {
            let folder = folder.map(|folder| here.join(folder));
            record::record(&ladder, number, folder.as_deref(), name.as_deref())
        }
        Some(Command::Test { numbers, filter }) => {
            build::test(&ladder, numbers, filter.as_deref())
        }
        Some(Command::Carry { file }) => carry::carry(&ladder, &here, &file),
        Some(Command::Follow { since }) => follow::follow(&ladder, &since),
        Some(Command::Check { part }) => Ok(check::check(&ladder, part)?),
    }
}

/// Refuses a tree that is not there, with the list of those that are.
fn known(numbers: &[Number], number: Number) -> Result<(), Failure> {
    if numbers.contains(&number) {
        return Ok(());
    }
    let known: Vec<_> = numbers.iter().map(ToString::to_string).collect();
    Err(Failure::Usage(format!(
        "there is no {number} here, but {}",
        known.join(", ")
    )))
}

/// Colour is for people: not for a file or a pipe, and not for those who have
/// said `NO_COLOR=1` (no-color.org).
fn colour() -> bool {
    let refused =
        env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stdout().is_terminal() && !refused
}
