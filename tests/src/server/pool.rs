//! Servers of other people that wait for the next script.
//!
//! To start an interpreter for each of a thousand scripts takes longer than
//! the scripts do. So a server that has just answered a fresh client is kept
//! for another script, one script at a time. Ours start anew each time: their
//! flags differ, and they start in no time.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Server;

/// Servers that nobody uses, by the command lines that started them.
static IDLE: Mutex<Vec<(String, Server)>> = Mutex::new(Vec::new());

fn idle() -> MutexGuard<'static, Vec<(String, Server)>> {
    IDLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A server that was started by this command line and still runs.
#[must_use]
pub fn take(line: &str) -> Option<Server> {
    let mut idle = idle();
    let at = idle.iter().position(|(other, _)| other == line)?;
    let (_, mut server) = idle.swap_remove(at);
    server.exit_status().is_none().then_some(server)
}

/// Keeps a server that has just answered.
pub fn keep(line: &str, server: Server) {
    idle().push((line.to_owned(), server));
}

/// Ends all that are kept.
pub fn end() {
    idle().clear();
}
