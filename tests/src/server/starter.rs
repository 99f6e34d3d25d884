//! One thread starts all servers and lives as long as the test run.
//!
//! A server under test must not outlive the run, however that ends, so it asks
//! for SIGKILL at its parent's death (prctl(2), `PR_SET_PDEATHSIG`). But the
//! kernel sends that signal when the *thread* that forked ends, and a server
//! may serve the tests of several threads, one after another (`pool.rs`).

use std::io;
use std::process::{Child, Command};
use std::sync::mpsc::{Sender, channel};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread;

type Order = (Command, Sender<io::Result<Child>>);

static STARTER: LazyLock<Mutex<Sender<Order>>> = LazyLock::new(|| {
    let (orders, queue) = channel::<Order>();
    thread::spawn(move || {
        for (mut command, reply) in queue {
            // If nobody waits for the reply, the run is ending.
            let _ = reply.send(command.spawn());
        }
    });
    Mutex::new(orders)
});

/// Starts a process.
///
/// # Errors
/// As [`Command::spawn`].
pub fn spawn(command: Command) -> io::Result<Child> {
    let (reply, child) = channel();
    let gone = || io::Error::other("the thread that starts servers has ended");
    let orders = STARTER.lock().unwrap_or_else(PoisonError::into_inner);
    orders.send((command, reply)).map_err(|_| gone())?;
    drop(orders);
    child.recv().map_err(|_| gone())?
}
