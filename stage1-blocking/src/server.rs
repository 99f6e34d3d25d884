//! Waiting: threads that sleep in `accept`, and serve one client each.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;

use crate::config::Config;
use crate::connection::Connection;
use crate::site::Site;
use crate::socket::{self, Accepted};
use crate::worker::Worker;

/// How long to wait at most, in milliseconds, before a server that found no
/// descriptor looks again. Another process may have been in the way, and
/// nobody tells us when it is done.
const LOOK_AGAIN: u16 = 1000;

/// Serves on all listeners, from `--threads` threads each, until one of them
/// fails for good. The threads of a listener all sleep in `accept`, and the
/// kernel wakes one of them for each connection. When all are busy, the next
/// clients wait in the backlog, however little the busy ones have to do.
///
/// # Errors
/// If a thread can't be started, or a listener is no listener any more.
pub fn serve(
    listeners: Vec<OwnedFd>,
    site: &Site,
    config: &Config,
) -> io::Result<()> {
    let (failed, failure) = channel();
    for listener in listeners.into_iter().map(Arc::new) {
        for _ in 0..config.threads {
            let (listener, failed) = (Arc::clone(&listener), failed.clone());
            let (site, config) = (site.clone(), config.clone());
            thread::Builder::new().spawn(move || {
                // If nobody hears this, the process is ending anyway.
                let _ = failed.send(accept_all(&listener, site, &config));
            })?;
        }
    }
    match failure.recv() {
        Ok(error) => Err(error.into()),
        Err(_) => Ok(()),
    }
}

/// One thread: takes a connection, serves it to its end, takes the next.
/// Returns only if the listener fails.
fn accept_all(listener: &OwnedFd, site: Site, config: &Config) -> Errno {
    let mut worker = Worker::new(site, config);
    loop {
        worker.log.flush();
        match socket::accept(listener) {
            Ok(Accepted::Connection(connection, client)) => {
                let fd = connection.as_raw_fd();
                let before = (worker.received, worker.sent);
                log::trace!("fd {fd}: {client}");
                if socket::set_timeouts(&connection, config).is_ok() {
                    Connection::new(connection, client).serve(&mut worker);
                }
                log::trace!(
                    "fd {fd}: {} bytes in, {} bytes out, now Closed",
                    worker.received - before.0,
                    worker.sent - before.1,
                );
            }
            Ok(Accepted::Lost(_) | Accepted::Nothing) => {}
            // It stays in the backlog, and to go on asking would spin. A
            // thread whose connection ends has a descriptor, and is here next.
            Ok(Accepted::NoRoom(_)) => {
                thread::sleep(Duration::from_millis(LOOK_AGAIN.into()));
            }
            Err(error) => return error,
        }
    }
}
