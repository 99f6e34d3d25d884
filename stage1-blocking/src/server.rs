//! Accepting: threads that block, one client each.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;

use crate::config::Config;
use crate::connection::Connection;
use crate::site::Site;
use crate::socket::{self, Accepted};
use crate::worker::Worker;

/// How long to wait at most before a thread that found no descriptor looks
/// again. Another process may have been in the way, and nobody tells us when
/// it is done.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What all threads share.
struct Shared {
    config: Config,
    site: Site,
    /// Signalled when a connection is closed and its descriptor free.
    closed: Condvar,
    closing: Mutex<()>,
}

/// Serves on all listeners, with `--threads` threads on each, until one of
/// them fails for good. The threads of a listener all sleep in `accept`, and
/// the kernel wakes one of them for each connection. When all are busy, the
/// next clients wait in the backlog, however little the busy ones have to do.
///
/// # Errors
/// If a thread can't be started, or a listener is no listener any more.
pub fn serve(
    listeners: Vec<OwnedFd>,
    site: Site,
    config: &Config,
) -> io::Result<()> {
    let threads = config.threads;
    let (closed, closing) = (Condvar::new(), Mutex::new(()));
    let config = config.clone();
    let shared = Arc::new(Shared { config, site, closed, closing });
    let (failed, failure) = channel();
    for listener in listeners.into_iter().map(Arc::new) {
        for _ in 0..threads {
            let (shared, failed) = (Arc::clone(&shared), failed.clone());
            let listener = Arc::clone(&listener);
            thread::Builder::new()
                .spawn(move || accept_all(&listener, &shared, &failed))?;
        }
    }
    match failure.recv() {
        Ok(errno) => Err(errno.into()),
        Err(_) => Ok(()),
    }
}

/// One thread: takes a connection, serves it to its end, takes the next.
fn accept_all(listener: &OwnedFd, shared: &Shared, failed: &Sender<Errno>) {
    let mut worker = Worker::new(shared.site.clone(), &shared.config);
    loop {
        worker.log.flush();
        match socket::accept(listener) {
            Ok(Accepted::Connection(connection, client)) => {
                serve_one(connection, client, &mut worker, shared);
                shared.closed.notify_one();
            }
            Ok(Accepted::NoRoom(_)) => wait_for_room(shared),
            Ok(Accepted::Nothing | Accepted::Lost(_)) => {}
            Err(error) => {
                // If nobody listens to this, the server is ending anyway.
                let _ = failed.send(error);
                return;
            }
        }
    }
}

fn serve_one(
    connection: OwnedFd,
    client: IpAddr,
    worker: &mut Worker,
    shared: &Shared,
) {
    let fd = connection.as_raw_fd();
    let before = (worker.received, worker.sent);
    log::trace!("fd {fd}: {client}");
    let config = &shared.config;
    let receive = Duration::from_secs(config.recv_timeout.into());
    let send = Duration::from_secs(config.send_timeout.into());
    match socket::set_timeouts(&connection, receive, send) {
        Ok(()) => Connection::new(connection, client).serve(worker),
        Err(error) => log::info!("cannot set time-outs: {error}"),
    }
    log::trace!(
        "fd {fd}: closed: {} bytes in, {} bytes out",
        worker.received - before.0,
        worker.sent - before.1,
    );
}

/// Sleeps until a connection is closed, or it is time to look again.
fn wait_for_room(shared: &Shared) {
    let guard = shared.closing.lock().unwrap_or_else(PoisonError::into_inner);
    drop(shared.closed.wait_timeout(guard, LOOK_AGAIN));
}
