//! Conversations with a server: one set of promises for every stage.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`script`] | reads `conversations/GROUP/NAME.http` |
//! | [`runner`] | plays a script, whole or byte by byte |
//! | [`wire`] | one client connection, and a strict reader of answers |
//! | [`transcript`] | who said what, masked where it must vary |
//! | [`snapshot`] | what was promised |
//! | [`report`], [`clues`] | how a failure reads |
//! | [`contract`] | the promise without the wording, for other servers |
//! | [`server`] | a process of the test's own |
//! | [`fixtures`] | the site it serves |
//! | [`suite`], [`cases`], [`orphans`] | the list of tests |
//! | [`truth`], [`cli`], [`access_log`] | what our own promise besides |
//! | [`large`], [`many`], [`vanish`], [`fuzz`] | what no script can say |
//!
//! `tests/README.md` shows how to write a script and how to aim the suite at
//! a server of your own.

pub mod access_log;
pub mod cases;
pub mod cli;
pub mod clues;
pub mod contract;
pub mod fixtures;
pub mod fuzz;
pub mod large;
pub mod many;
pub mod orphans;
pub mod process;
pub mod report;
pub mod runner;
pub mod script;
pub mod server;
pub mod snapshot;
pub mod stage;
pub mod suite;
pub mod transcript;
pub mod truth;
pub mod vanish;
pub mod wire;

use std::process::ExitCode;

pub use stage::{Case, Outcome, PASSED, Stage};

/// The `main` of each stage's `tests/conversations.rs`: runs every promise
/// that the stage must keep against its binary.
///
/// `name` is the package's name; the digit in it is the stage.
#[must_use]
pub fn run(binary: &str, name: &str) -> ExitCode {
    suite::run(Stage::program(binary, name))
}
