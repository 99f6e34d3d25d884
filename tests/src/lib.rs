//! Conversations with a server: one test suite for all stages.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`script`] | reads `conversations/GROUP/NAME.http` |
//! | [`runner`] | plays a script, whole or byte by byte |
//! | [`wire`] | one client connection, and a strict response parser |
//! | [`transcript`] | bytes and events in order, variable parts masked |
//! | [`snapshot`] | the expected transcripts |
//! | [`report`], [`hints`] | the text of a failure |
//! | [`contract`] | what other servers must do, without our wording |
//! | [`server`] | one server process per test |
//! | [`fixtures`] | the site it serves |
//! | [`number`] | which stage, or which sub-step of one |
//! | [`suite`], [`cases`], [`orphans`] | the list of tests |
//! | [`promise`] | what any server is asked, for `cargo judge` |
//! | [`truth`], [`help`], [`cli`], [`access_log`] | kernel state, CLI, log |
//! | [`io_limit`] | the I/O limit of each tiny-I/O run |
//! | [`large`], [`parallel`], [`disconnect`] | large files, many clients |
//! | [`fairness`], [`idle_clients`] | no client delays another |
//! | [`overload`], [`urgent`] | too many clients; TCP's urgent byte |
//! | [`deadline`], [`limits`], [`signal`] | deadlines, limits, shutdown |
//! | [`descriptors`] | the descriptor limit |
//! | [`process_one`], [`reopen`] | process 1 of a container, SIGHUP |
//! | [`files`], [`validators`], [`sendfile`] | files, also files that change |
//! | [`fault`], [`fuzz`] | system calls that fail, damaged requests |
//! | [`tools`], [`slow_attacks`] | curl, ab, wrk, slowhttptest |
//! | [`variant`], [`command`] | stages with patches; what their commands share |
//! | [`lab`], [`labs`], [`built`] | shared code of the labs, and their tests |
//!
//! `tests/README.md` shows how to write a script and how to aim the suite at
//! a server of your own.

pub mod access_log;
pub mod built;
pub mod cache;
pub mod cases;
pub mod cli;
pub mod command;
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
pub mod promise;
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

/// The `main` of each stage's `tests/conversations.rs`: tests its binary
/// against everything the stage promises.
///
/// `name` is the package name; its digit is the stage.
#[must_use]
pub fn run(binary: &str, name: &str) -> ExitCode {
    suite::run(Stage::program(binary, name))
}
