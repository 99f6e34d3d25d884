//! One of our threads, as /proc shows it (proc(5)).

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// A thread, identified by its directory in /proc.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Task {
    folder: PathBuf,
}

impl Task {
    /// The calling thread.
    ///
    /// # Errors
    /// If /proc is not mounted.
    pub fn current() -> io::Result<Self> {
        let link = fs::read_link("/proc/thread-self")?;
        Ok(Self { folder: PathBuf::from("/proc").join(link) })
    }

    /// Whether it sleeps in a system call.
    #[must_use]
    pub fn sleeps(&self) -> bool {
        // Its name, in parentheses, comes before its state.
        let stat = fs::read_to_string(self.folder.join("stat"));
        stat.is_ok_and(|stat| stat.contains(") S "))
    }

    /// How often it has given up the processor voluntarily.
    #[must_use]
    pub fn switches(&self) -> usize {
        let status = fs::read_to_string(self.folder.join("status"));
        let status = status.unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("voluntary_"));
        let number = line.and_then(|line| line.split_whitespace().nth(1));
        number.and_then(|number| number.parse().ok()).unwrap_or(0)
    }
}

/// The processor time of the calling thread, in user and kernel mode. It does
/// not grow while other threads run.
///
/// # Errors
/// As `clock_gettime(2)`.
pub fn cpu_time() -> nix::Result<Duration> {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from)
}
