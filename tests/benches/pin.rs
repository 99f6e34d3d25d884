//! Server and load on separate processors.
//!
//! On its own, the scheduler moves the two together and apart again, and the
//! same work costs more in one run than in the next. So a single-threaded
//! server gets the last processor and the load gets the others. With one
//! processor, or where pinning is off, nothing is pinned.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::sync::OnceLock;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// The two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The measured server.
    Server,
    /// The load.
    Load,
}

/// The processors this program may use, before any pinning.
pub fn processors() -> &'static [usize] {
    static GIVEN: OnceLock<Vec<usize>> = OnceLock::new();
    GIVEN.get_or_init(|| {
        let set = sched_getaffinity(Pid::from_raw(0)).unwrap_or_default();
        let all = 0..CpuSet::count();
        all.filter(|at| set.is_set(*at).unwrap_or(false)).collect()
    })
}

/// The processors of a side.
fn set(side: Side, pinned: bool) -> nix::Result<CpuSet> {
    let mut set = CpuSet::new();
    let given = processors();
    for processor in given {
        let server = Some(processor) == given.last();
        let shared = given.len() == 1 || !pinned;
        if shared || server == (side == Side::Server) {
            set.set(*processor)?;
        }
    }
    Ok(set)
}

/// Pins a program before it starts.
pub fn command(command: &mut Command, side: Side, pinned: bool) {
    let Ok(set) = set(side, pinned) else { return };
    // SAFETY: the closure makes one system call and does not allocate.
    unsafe {
        command.pre_exec(move || {
            sched_setaffinity(Pid::from_raw(0), &set).map_err(io::Error::from)
        });
    }
}

/// Pins the calling thread, and the threads and programs it starts.
pub fn this_thread(side: Side, pinned: bool) {
    if let Ok(set) = set(side, pinned) {
        let _ = sched_setaffinity(Pid::from_raw(0), &set);
    }
}
