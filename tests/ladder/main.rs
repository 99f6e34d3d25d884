//! `cargo ladder`: the differences between the stages, and the reasons.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`declared`] | reads `tests/ladder.toml`: the allowed differences, with reasons |
//! | [`step`] | finds the actual differences between two neighbours |
//! | [`check`], [`series`] | check the differences against the declarations, and the sub-steps against the stages |
//! | [`table`], [`diff`] | print the differences, as a table and as a diff |
//! | [`carry`] | applies an edit of one stage to all other trees |
//! | [`plan`], [`chain`], [`git`] | plan the edit for one tree, track one file across the sub-steps, and call git |
//! | [`follow`] | updates the sub-steps after stages have been edited |
//! | [`checkout`] | writes a tree as a crate that builds outside the workspace |
//! | [`build`] | builds and tests sub-steps |
//! | [`record`] | makes an edited crate the new tree of a sub-step |
//!
//! The library models the stages, the sub-steps and the crates made from them:
//! see [`conversations::variant`].

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

/// Show what changes from one stage to the next, and why
///
/// Without a command, prints a table of all steps and sub-steps, file by file.
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
    /// Copies `src/` and `tests/` from DIR, and rewrites the patches of this
    /// sub-step and of the next one. No other tree changes. `Cargo.toml` is
    /// copied only if it inherits from the workspace, as a stage's does.
    ///
    /// With the number of a stage and no DIR, keeps an edit of that stage out
    /// of all other trees. Rewrites the last patch before the stage and the
    /// first patch after it.
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
    /// Build sub-steps, refuse warnings, and run their tests
    Test {
        /// Which ones, such as `5.2`; by default all except the last one of
        /// each stage, which is the stage itself
        #[arg(value_name = "N.M")]
        numbers: Vec<Number>,
        /// Only tests with this in their name
        #[arg(last = true, value_name = "FILTER")]
        filter: Option<String>,
    },
    /// Apply an uncommitted edit to all other stages and sub-steps
    Carry {
        /// The edited file, such as `stage2-poll/src/http/target.rs`
        file: PathBuf,
    },
    /// Update the sub-steps after the stages have been edited
    ///
    /// For edits that the stages already have, as after a merge; `carry` does
    /// this on its own for the file it carries. A sub-step receives the edits
    /// of the stage before it and of the stage after it.
    Follow {
        /// The last commit at which the sub-steps fit the stages
        #[arg(long, value_name = "COMMIT", default_value = git::LAST)]
        since: String,
    },
    /// Check the stages against tests/ladder.toml and their sub-steps
    Check {
        /// Check only this; without it, check everything
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

/// Rejects a number that the ladder does not have, and lists the valid ones.
fn known(numbers: &[Number], number: Number) -> Result<(), Failure> {
    if numbers.contains(&number) {
        return Ok(());
    }
    let known: Vec<_> = numbers.iter().map(ToString::to_string).collect();
    Err(Failure::Usage(format!(
        "there is no {number}: choose one of {}",
        known.join(", ")
    )))
}

/// Whether to print in colour: only on a terminal, and only if `NO_COLOR` is
/// not set (no-color.org).
fn colour() -> bool {
    let refused =
        env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stdout().is_terminal() && !refused
}
