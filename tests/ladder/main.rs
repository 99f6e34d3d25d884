//! `cargo ladder`: what changes from one stage to the next, and why.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`stages`] | finds the stages and the files that are compared |
//! | [`declared`] | reads `tests/ladder.toml`: what may differ, and why |
//! | [`step`] | what does differ between two neighbours |
//! | [`check`] | holds the one against the other |
//! | [`table`], [`diff`] | print it, in short and in full |
//! | [`carry`], [`git`] | take an edit from one stage to the others |

mod carry;
mod check;
mod declared;
mod diff;
mod git;
mod stages;
mod step;
mod table;

use std::env;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::check::Part;
use crate::stages::Ladder;

/// What changes from one stage to the next, and why
///
/// Without a command: a table of all steps, file by file.
#[derive(Parser)]
#[command(name = "ladder", bin_name = "cargo ladder")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Print how stage N differs from the one before it
    Diff {
        /// The later stage of the two, by its number
        #[arg(value_name = "N")]
        stage: u32,
        /// Only this file, such as `server.rs` or `tests/http.rs`
        file: Option<String>,
    },
    /// Take an edit that is not committed yet to all other stages
    Carry {
        /// The edited file, such as `stage2-poll/src/http/target.rs`
        file: PathBuf,
    },
    /// Hold the stages against tests/ladder.toml
    Check {
        /// Only this part; both if it is left out
        part: Option<Part>,
    },
}

/// What a command has to say when it could do its work.
struct Answer {
    text: String,
    /// Whether all is well; otherwise the exit code is 1.
    good: bool,
}

impl Answer {
    fn good(text: String) -> Self {
        Self { text, good: true }
    }
}

/// Why a command could not do its work.
enum Failure {
    /// The command line makes no sense: exit code 2.
    Usage(String),
    /// It does, but something is in the way: exit code 1.
    Blocked(String),
}

/// For `map_err`, where what went wrong is told in words already.
impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self::Blocked(text)
    }
}

fn main() -> ExitCode {
    let (text, code) = match run(Arguments::parse().command) {
        Ok(answer) => {
            let code = u8::from(!answer.good);
            match print(&answer.text) {
                Ok(()) => return ExitCode::from(code),
                Err(error) => (format!("cannot print: {error}"), 1),
            }
        }
        Err(Failure::Usage(text)) => (text, 2),
        Err(Failure::Blocked(text)) => (text, 1),
    };
    eprintln!("cargo ladder: {text}");
    ExitCode::from(code)
}

fn run(command: Option<Command>) -> Result<Answer, Failure> {
    let here = env::current_dir()
        .map_err(|error| format!("cannot tell the current folder: {error}"))?;
    let ladder = Ladder::find(&here)?;
    match command {
        None => Ok(table::table(&ladder)?),
        Some(Command::Diff { stage, file }) => {
            diff::diff(&ladder, stage, file.as_deref(), colour())
        }
        Some(Command::Carry { file }) => carry::carry(&ladder, &here, &file),
        Some(Command::Check { part }) => Ok(check::check(&ladder, part)?),
    }
}

/// Colour is for people: not for a file or a pipe, and not for those who have
/// said `NO_COLOR=1` (no-color.org).
fn colour() -> bool {
    let refused =
        env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stdout().is_terminal() && !refused
}

/// Prints all of it. A reader that goes away early, as `head` does, has seen
/// what it wanted.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}
