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
//! | [`truth`], [`help`], [`cli`], [`access_log`] | what ours promise besides |
//! | [`pieces`] | how every script is cut for the torture run |
//! | [`large`], [`many`], [`vanish`], [`fuzz`] | what no script can say |
//! | [`fair`], [`room`], [`silence`], [`urgent`] | nobody waits for another |
//! | [`tools`] | programs that people use |
//!
//! `tests/README.md` shows how to write a script and how to aim the suite at
//! a server of your own.

pub mod access_log;
pub mod cases;
pub mod cli;
pub mod clues;
pub mod contract;
pub mod fair;
pub mod fixtures;
pub mod fuzz;
pub mod help;
pub mod large;
pub mod many;
pub mod orphans;
pub mod pieces;
pub mod process;
pub mod report;
pub mod room;
pub mod runner;
pub mod script;
pub mod server;
pub mod silence;
pub mod snapshot;
pub mod stage;
pub mod suite;
pub mod tools;
pub mod transcript;
pub mod truth;
pub mod urgent;
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
