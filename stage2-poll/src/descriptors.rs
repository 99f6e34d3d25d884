//! How many file descriptors there are. Each connection takes one, and so does
//! each file that is being sent.

use std::fmt::Display;
use std::io;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// What a process has open besides: the standard streams, the root, and a few
/// for signals, events and libraries.
const OWN: usize = 10;

/// How many a server must have for connections and their files: with fewer it
/// would reject nearly everybody.
pub const LEAST: usize = 16;

/// Makes sure that `needed` descriptors are allowed for `what`: found out at
/// the start, a limit is one clear line, and not a 503 for every client.
///
/// The soft limit is 1024 in most places, for programs that call `select(2)`,
/// so it is raised to the hard limit, which is the administrator's.
///
/// # Errors
/// If even that is too low.
pub fn require(needed: usize, what: impl Display) -> io::Result<()> {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard));
    if let Err(error) = raised {
        log::warn!("cannot raise the descriptor limit: {error}");
    }
    if needed <= available() {
        return Ok(());
    }
    let (needed, limit) = (needed + OWN, limit());
    let text = format!("{what}: needs {needed} descriptors, limit is {limit}");
    Err(io::Error::other(text + " (ulimit -n)"))
}

/// How many descriptors there are for listeners, connections and files.
#[must_use]
pub fn available() -> usize {
    limit().saturating_sub(OWN)
}

fn limit() -> usize {
    let soft =
        getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(soft, _)| soft);
    usize::try_from(soft).unwrap_or(usize::MAX)
}
