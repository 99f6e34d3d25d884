//! The scenarios, one per module.

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

/// The figure of one run.
#[derive(Debug, Clone, Default)]
pub struct Figure {
    /// The scenario's case; may be empty.
    pub case: String,
    /// The value, in the scenario's unit.
    pub value: f64,
    /// Requests per second of wall-clock time, where measured.
    pub rate: Option<f64>,
    /// The components of the value; may be empty.
    pub note: String,
}

/// Shared by all runs.
#[derive(Debug)]
pub struct Bench {
    /// The files.
    pub site: Site,
    /// For how long each run makes requests.
    pub time: Duration,
    /// The load generator.
    pub tool: Tool,
    /// Less of everything, for a quick check.
    pub quick: bool,
}

/// One run of a server in one case: start it, check it, load it, and read its
/// usage. No figures mean that this case is left out.
pub type Run = fn(&Contender, usize, &Bench) -> Result<Vec<Figure>, String>;

/// A scenario.
#[derive(Debug)]
pub struct Scenario {
    /// Its name in file names and on the command line.
    pub name: &'static str,
    /// The title of the table and the plot.
    pub title: &'static str,
    /// The unit of the figures.
    pub unit: &'static str,
    /// Whether a server takes part.
    pub who: fn(&Contender) -> bool,
    /// The parameter of the runs, in turn: the number of idle connections, and
    /// the like.
    pub steps: &'static [usize],
    /// The maximum number of useful rounds: a count does not vary.
    pub rounds: usize,
    /// The function that runs it.
    pub run: Run,
    /// Why it can't run on this machine, if so.
    pub absent: fn() -> Option<String>,
}

/// All scenarios, in the order of the chapter.
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

/// The floor parses no heads, so scenarios that depend on them exclude it.
fn real_servers(contender: &Contender) -> bool {
    !matches!(contender.kind, Kind::Floor)
}

fn never_absent() -> Option<String> {
    None
}
