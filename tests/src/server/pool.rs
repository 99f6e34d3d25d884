//! Reuses other people's servers for the next script.
//!
//! Starting an interpreter for each of a thousand scripts would take longer
//! than the scripts do. So a server that has just answered a fresh client is
//! kept for another script, one at a time. Our servers start anew each time:
//! their flags differ, and they start fast.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Server;

/// Unused servers, with the command lines that started them.
static IDLE: Mutex<Vec<(String, Server)>> = Mutex::new(Vec::new());

fn idle() -> MutexGuard<'static, Vec<(String, Server)>> {
    IDLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An unused server that this command line started and that still runs.
#[must_use]
pub fn take(line: &str) -> Option<Server> {
    let mut idle = idle();
    let index = idle.iter().position(|(other, _)| other == line)?;
    let (_, mut server) = idle.swap_remove(index);
    server.exit_status().is_none().then_some(server)
}

/// Keeps a server that has just answered a client.
pub fn keep(line: &str, server: Server) {
    idle().push((line.to_owned(), server));
}

/// Kills all unused servers.
pub fn end() {
    idle().clear();
}
