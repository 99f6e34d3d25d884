//! The threads: each blocks in `accept`, and serves one client at a time.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use crate::config::Config;
use crate::connection::Connection;
use crate::context::Context;
use crate::descriptors;
use crate::site::Site;
use crate::socket::{self, Accepted};

/// How long to wait, in milliseconds, before we try to accept again after
/// running out of descriptors. Another process may have taken the last one, and
/// nothing tells us when it is free.
const ACCEPT_RETRY_MS: u16 = 1000;

/// Checks that enough descriptors are allowed.
///
/// # Errors
/// As for [`descriptors::require`].
pub fn check(config: &Config) -> io::Result<()> {
    let threads = config.listen.len() * usize::from(config.threads);
    descriptors::require(2 * threads, format_args!("{threads} threads"))
}

/// Serves on all listeners, with `--threads` threads blocked in `accept` on
/// each of them, until one fails for good. The kernel wakes one thread for each
/// connection. While all are busy, new clients wait in the accept queue.
///
/// # Errors
/// If a thread cannot be started, or a listener fails.
pub fn serve(
    listeners: Vec<OwnedFd>,
    site: &Site,
    config: &Config,
) -> io::Result<()> {
    let (failed, failure) = channel();
    for listener in listeners.into_iter().map(Arc::new) {
        for _ in 0..config.threads {
            let (listener, failed) = (Arc::clone(&listener), failed.clone());
            let context = Context::new(site.clone(), config);
            let config = config.clone();
            thread::Builder::new().spawn(move || {
                // If nobody receives this, the process is ending anyway.
                let _ = failed.send(accept_all(&listener, context, &config));
            })?;
        }
    }
    failure.recv().unwrap_or(Ok(()))
}

/// One thread: accepts a connection, serves it to its end, accepts the next.
fn accept_all(
    listener: &OwnedFd,
    mut context: Context,
    config: &Config,
) -> io::Result<()> {
    loop {
        context.log.flush();
        match socket::accept(listener)? {
            Accepted::Connection(connection, client) => {
                log::trace!("fd {}: {client}", connection.as_raw_fd());
                let limits = (config.recv_timeout, config.send_timeout);
                if socket::set_timeouts(&connection, limits).is_ok() {
                    Connection::new(connection, client).serve(&mut context);
                }
            }
            Accepted::Aborted(_) | Accepted::WouldBlock => {}
            // Retrying at once would spin: the connection stays in the queue.
            Accepted::OutOfResources(_) => {
                thread::sleep(Duration::from_millis(ACCEPT_RETRY_MS.into()));
            }
        }
    }
}
