//! Waiting: one thread asks the kernel about every connection at once.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::config::Config;
use crate::connection::{Connection, State};
use crate::site::Site;
use crate::socket::{self, Accepted};
use crate::worker::Worker;

/// How long to wait at most, in milliseconds, before a server that found no
/// descriptor looks again. Another process may have been in the way, and
/// nobody tells us when it is done.
const LOOK_AGAIN: u16 = 1000;

/// The loop and all that it serves.
struct Server {
    listeners: Vec<OwnedFd>,
    connections: Vec<Connection>,
    /// False while no descriptor is free.
    accepting: bool,
    worker: Worker,
}

/// Serves on all listeners, from one thread that sleeps in `poll` and nowhere
/// else, until one of them fails for good.
///
/// # Errors
/// If a listener is no listener any more.
pub fn serve(
    listeners: Vec<OwnedFd>,
    site: Site,
    config: &Config,
) -> io::Result<()> {
    let worker = Worker::new(site, config);
    let connections = Vec::new();
    let mut server = Server { listeners, connections, accepting: true, worker };
    loop {
        server.turn()?;
    }
}

impl Server {
    /// One turn of the loop: sleep until something is ready, and see to it.
    /// What the kernel can say of a connection, alone or together:
    ///
    /// * POLLIN - `recv` would not sleep: bytes, the end, or an error;
    /// * POLLOUT - `send` would not sleep: room, or an error;
    /// * POLLHUP - both directions are closed; comes unasked;
    /// * POLLERR - the connection has an error, most often a reset, and the
    ///   next call will say which; comes unasked;
    /// * POLLNVAL - no open descriptor: a mistake of ours.
    ///
    /// Connections come before listeners: one that closes makes room.
    fn turn(&mut self) -> io::Result<()> {
        let ready = self.wait()?;
        let (new, old) = ready.split_at(self.listeners.len());
        for (index, &readiness) in old.iter().enumerate() {
            if !readiness.is_empty() {
                self.advance(index, readiness);
            }
        }
        let before = self.connections.len();
        self.connections.retain(|c| c.state() != State::Closed);
        self.accepting |= self.connections.len() < before;
        for (index, &readiness) in new.iter().enumerate() {
            if !readiness.is_empty() {
                self.accept_all(index)?;
            }
        }
        Ok(())
    }

    /// Lets a connection go on, and tells about it in one line.
    fn advance(&mut self, index: usize, readiness: PollFlags) {
        let Some(connection) = self.connections.get_mut(index) else { return };
        let before = (self.worker.received, self.worker.sent);
        connection.advance(&mut self.worker);
        log::trace!(
            "fd {}: {readiness:?}: {} bytes in, {} bytes out, now {:?}",
            connection.as_fd().as_raw_fd(),
            self.worker.received - before.0,
            self.worker.sent - before.1,
            connection.state(),
        );
    }

    /// Asks the kernel what is ready, of the listeners and then of the
    /// connections, and sleeps until something is. The whole list goes to the
    /// kernel and comes back each time, however few of it are ready: that is
    /// the price of `poll`.
    fn wait(&mut self) -> io::Result<Vec<PollFlags>> {
        self.worker.log.flush();
        let (listening, patience) = if self.accepting {
            (PollFlags::POLLIN, PollTimeout::NONE)
        } else {
            (PollFlags::empty(), PollTimeout::from(LOOK_AGAIN))
        };
        let mut set = Vec::new();
        for listener in &self.listeners {
            set.push(PollFd::new(listener.as_fd(), listening));
        }
        for connection in &self.connections {
            set.push(PollFd::new(connection.as_fd(), connection.interest()));
        }
        match poll(&mut set, patience) {
            Ok(0) => self.accepting = true,
            Ok(_) | Err(Errno::EINTR) => {}
            // The kernel has no memory for the list. It may have some soon.
            Err(Errno::ENOMEM) => {
                log::warn!("cannot wait: {}", Errno::ENOMEM);
                thread::sleep(Duration::from_millis(LOOK_AGAIN.into()));
            }
            Err(error) => return Err(error.into()),
        }
        let readiness =
            |fd: &PollFd| fd.revents().unwrap_or(PollFlags::empty());
        Ok(set.iter().map(readiness).collect())
    }

    /// Takes all connections that wait on a listener: it may be many.
    fn accept_all(&mut self, index: usize) -> io::Result<()> {
        let Some(listener) = self.listeners.get(index) else { return Ok(()) };
        loop {
            match socket::accept(listener)? {
                Accepted::Connection(connection, client) => {
                    log::trace!("fd {}: {client}", connection.as_raw_fd());
                    self.connections.push(Connection::new(connection, client));
                }
                Accepted::Lost(_) => {}
                Accepted::Nothing => return Ok(()),
                // It stays in the backlog, so the listener stays ready, and
                // to go on asking about it would spin.
                Accepted::NoRoom(_) => {
                    self.accepting = false;
                    return Ok(());
                }
            }
        }
    }
}
