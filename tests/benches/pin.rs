//! Server and load on processors of their own.
//!
//! Left alone, the scheduler moves the two together and apart again, and the
//! same work costs more in one run than in the next. So a server of one
//! thread has the last processor and the load has the others. With one
//! processor, or where it is not wanted, nothing is fixed.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::sync::OnceLock;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// Who is to run there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What is measured.
    Server,
    /// What keeps it busy.
    Load,
}

/// The processors that this program was given, before it fixed anything.
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

/// Fixes a program that is about to be started.
pub fn command(command: &mut Command, side: Side, pinned: bool) {
    let Ok(set) = set(side, pinned) else { return };
    // SAFETY: the closure makes one system call and does not allocate.
    unsafe {
        command.pre_exec(move || {
            sched_setaffinity(Pid::from_raw(0), &set).map_err(io::Error::from)
        });
    }
}

/// Fixes the calling thread, and the threads and programs it starts.
pub fn this_thread(side: Side, pinned: bool) {
    if let Ok(set) = set(side, pinned) {
        let _ = sched_setaffinity(Pid::from_raw(0), &set);
    }
}
