//! Conversations with a server: one set of promises for every stage.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`script`] | reads `conversations/GROUP/NAME.http` |
//! | [`runner`] | plays a script, whole or byte by byte |
//! | [`wire`] | one client connection, and a strict reader of answers |
//! | [`transcript`] | who said what, masked where it must vary |
//! | [`snapshot`] | what was promised |
//! | [`report`], [`hints`] | how a failure reads |
//! | [`contract`] | the promise without the wording, for other servers |
//! | [`server`] | a process of the test's own |
//! | [`fixtures`] | the site it serves |
//! | [`number`] | which stage, or which sub-step of one |
//! | [`suite`], [`cases`], [`orphans`] | the list of tests |
//! | [`truth`], [`help`], [`cli`], [`access_log`] | what ours promise besides |
//! | [`io_limit`] | how every script is cut for the torture run |
//! | [`large`], [`parallel`], [`validators`], [`disconnect`], [`fuzz`] | what no script can say |
//! | [`fairness`], [`overload`], [`idle_clients`], [`urgent`] | nobody waits for another |
//! | [`deadline`], [`limits`], [`signal`] | everything ends |
//! | [`descriptors`] | limits that fit |
//! | [`process_one`], [`reopen`] | containers, and a new root |
//! | [`files`], [`sendfile`] | large files, and such as change |
//! | [`fault`] | each system call fails in each way in which it can |
//! | [`tools`], [`slow_attacks`] | programs that people use |
//! | [`variant`] | a stage or a sub-step as a crate of its own, for `cargo ladder` |
//! | [`lab`], [`labs`], [`built`] | what the experiments share, and their tests |
//!
//! `tests/README.md` shows how to write a script and how to aim the suite at
//! a server of your own.

pub mod access_log;
pub mod built;
pub mod cache;
pub mod cases;
pub mod cli;
pub mod contract;
pub mod deadline;
pub mod descriptors;
pub mod disconnect;
pub mod fairness;
pub mod fault;
pub mod files;
pub mod fixtures;
pub mod fuzz;
pub mod help;
pub mod hints;
pub mod idle_clients;
pub mod io_limit;
pub mod lab;
pub mod labs;
pub mod large;
pub mod limits;
pub mod loops;
pub mod number;
pub mod orphans;
pub mod overload;
pub mod parallel;
pub mod process;
pub mod process_one;
pub mod reopen;
pub mod report;
pub mod runner;
pub mod script;
pub mod sendfile;
pub mod server;
pub mod signal;
pub mod slow_attacks;
pub mod snapshot;
pub mod stage;
pub mod suite;
pub mod tools;
pub mod transcript;
pub mod truth;
pub mod urgent;
pub mod validators;
pub mod variant;
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
