//! What is measured, one scenario a module.

mod idle;
pub mod instructions;
mod large;
mod memory;
mod requests;
mod slow;
pub mod syscalls;
mod threads;

use std::time::Duration;

use crate::contender::{Contender, Kind};
use crate::load::Tool;
use crate::site::Site;

/// A figure of one run.
#[derive(Debug, Clone, Default)]
pub struct Figure {
    /// Which of the scenario's cases it belongs to; may be empty.
    pub case: String,
    /// In the scenario's unit.
    pub value: f64,
    /// Requests a second by the wall clock, where that was measured.
    pub rate: Option<f64>,
    /// What the value is made of; may be empty.
    pub note: String,
}

/// What all runs share.
#[derive(Debug)]
pub struct Bench {
    /// The files.
    pub site: Site,
    /// For how long each run makes requests.
    pub time: Duration,
    /// What makes them.
    pub tool: Tool,
    /// Less of everything, for a first look.
    pub quick: bool,
}

/// One run of a contender in one case: a server started, checked, loaded
/// and read. No figures mean that this case is left out.
pub type Run = fn(&Contender, usize, &Bench) -> Result<Vec<Figure>, String>;

/// Something to measure.
#[derive(Debug)]
pub struct Scenario {
    /// In file names and on the command line.
    pub name: &'static str,
    /// Over the table and the plot.
    pub title: &'static str,
    /// What the figures are.
    pub unit: &'static str,
    /// Who takes part.
    pub who: fn(&Contender) -> bool,
    /// What a run is told, in turn: so many idle connections, and the like.
    pub steps: &'static [usize],
    /// The most rounds that tell anything: a count does not vary.
    pub rounds: usize,
    /// How it is run.
    pub run: Run,
    /// Why it can't be run on this machine, if it can't.
    pub absent: fn() -> Option<String>,
}

/// All of them, in the order of the chapter.
pub const ALL: &[Scenario] = &[
    requests::KEEPALIVE,
    requests::PIPELINED,
    requests::CONNECT,
    large::LARGE,
    idle::IDLE,
    slow::SLOW,
    memory::MEMORY,
    syscalls::SYSCALLS,
    instructions::INSTRUCTIONS,
    threads::THREADS,
];

fn everyone(_: &Contender) -> bool {
    true
}

/// The floor reads no heads, so what depends on them says nothing of it.
fn real_servers(contender: &Contender) -> bool {
    !matches!(contender.kind, Kind::Floor)
}

fn never_absent() -> Option<String> {
    None
}
