//! Shared code of the labs, `stageN-*/examples/NAME.rs`: one experiment each.
//!
//! A lab prints a table of what the kernel did in this run, reduced to what is
//! the same in every run: counts, error names, yes and no. It reports time only
//! where the difference is a large factor. Its test compares the table with
//! `tests/snapshots/STAGE/lab-NAME.snap`.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`table`] | lines that fit 72 columns |
//! | [`sockets`] | a connected pair; sockets on which nothing was set |
//! | [`options`] | getsockopt and setsockopt for what nix lacks |
//! | [`info`] | `TCP_INFO` |
//! | [`ends`] | how connections end, and what they leave behind |
//! | [`filter`] | one-instruction filters for packets |
//! | [`group`] | listeners that share a port |
//! | [`network`] | a private network namespace |
//! | [`child`] | the lab as a child process |
//! | [`talk`] | requests and answers on keep-alive connections |
//! | [`task`] | a thread: whether it sleeps, its processor time |
//! | [`timer`] | timers that are descriptors |

pub mod child;
pub mod ends;
pub mod filter;
pub mod group;
pub mod info;
pub mod network;
pub mod options;
pub mod sockets;
pub mod table;
pub mod talk;
pub mod task;
pub mod timer;

use std::fs;
use std::io;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::unistd::alarm;

pub use table::Table;

/// How long a lab waits for one event.
pub const CEILING: Duration = Duration::from_secs(20);

/// SIGALRM kills a lab after this many seconds.
const LIMIT: u32 = 60;

/// First line of a lab that can't run on this machine; its test counts as
/// skipped.
pub const NOT_HERE: &str = "not here: ";

/// The result of a lab.
pub type Lab = Result<(), Stop>;

/// Why a lab ends early.
#[derive(Debug)]
pub enum Stop {
    /// This kernel, its settings or our privileges don't allow the experiment.
    NotHere(String),
    /// Something else went wrong.
    Failed(String),
}

/// This kernel, its settings or our privileges don't allow the experiment.
#[must_use]
pub fn not_here(why: &str) -> Stop {
    Stop::NotHere(why.to_owned())
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<Errno> for Stop {
    fn from(error: Errno) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<String> for Stop {
    fn from(why: String) -> Self {
        Self::Failed(why)
    }
}

impl From<&str> for Stop {
    fn from(why: &str) -> Self {
        Self::Failed(why.to_owned())
    }
}

/// The `main` of a lab. If the experiment can't run here, it prints one line
/// that says why and exits with 0; a failure exits with 1.
#[must_use]
pub fn run(experiment: fn() -> Lab) -> ExitCode {
    alarm::set(LIMIT);
    match experiment() {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop::NotHere(why)) => {
            println!("{NOT_HERE}{why}");
            ExitCode::SUCCESS
        }
        Err(Stop::Failed(why)) => {
            eprintln!("the experiment failed: {why}");
            ExitCode::FAILURE
        }
    }
}

/// `yes` or `no`.
#[must_use]
pub fn yes(fact: bool) -> &'static str {
    if fact { "yes" } else { "no" }
}

/// `works`, or the name of the error, as errno(3) has it.
#[must_use]
pub fn works<T>(result: &nix::Result<T>) -> String {
    match result {
        Ok(_) => "works".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}

/// The name of an error, as errno(3) has it.
#[must_use]
pub fn name(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => format!("{:?}", Errno::from_raw(code)),
        None => error.to_string(),
    }
}

/// A number from sysctl(8), such as `net.core.somaxconn`, if it can be read.
#[must_use]
pub fn sysctl(name: &str) -> Option<i32> {
    let path = format!("/proc/sys/{}", name.replace('.', "/"));
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Waits until `done`, checking every millisecond.
///
/// # Errors
/// After 20 s; the text names the event.
pub fn until(what: &str, mut done: impl FnMut() -> bool) -> Result<(), String> {
    let deadline = Instant::now() + CEILING;
    while !done() {
        if Instant::now() > deadline {
            return Err(format!("waited {} s for {what}", CEILING.as_secs()));
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// The median. On a busy machine some of the times are longer, but hardly more
/// than half of them.
#[must_use]
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
