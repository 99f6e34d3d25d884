//! The event loop: one thread polls all connections at once.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use slotmap::{DefaultKey, Key, KeyData, SlotMap};

use crate::config::Config;
use crate::connection::{Connection, State};
use crate::context::Context;
use crate::descriptors::{self, LEAST};
use crate::site::Site;
use crate::socket::{self, Accepted};

/// How long to wait, in milliseconds, before we try to accept again after
/// running out of descriptors. Another process may have taken the last one, and
/// nothing tells us when it is free.
const ACCEPT_RETRY_MS: u16 = 1000;

/// The event loop and everything it serves.
pub struct Server {
    listeners: Vec<OwnedFd>,
    connections: SlotMap<DefaultKey, Connection>,
    /// Reported events: a listener by its index, a connection by its key.
    events: Vec<(u64, PollFlags)>,
    /// False while we can take no more connections.
    accepting: bool,
    context: Context,
}

/// Checks that enough descriptors are allowed.
///
/// # Errors
/// As for [`descriptors::require`].
pub fn check(config: &Config) -> io::Result<()> {
    descriptors::require(config.listen.len() + LEAST, "a few connections")
}

/// Serves on all listeners, with one thread that blocks in `poll` and nowhere
/// else, until one of them fails for good.
///
/// # Errors
/// If a listener fails.
pub fn serve(
    listeners: Vec<OwnedFd>,
    site: &Site,
    config: &Config,
) -> io::Result<()> {
    let context = Context::new(site.clone(), config);
    let mut server = Server::new(listeners, context);
    loop {
        server.iterate()?;
    }
}

impl Server {
    /// A server with listeners and no connections.
    #[must_use]
    pub fn new(listeners: Vec<OwnedFd>, context: Context) -> Self {
        let (connections, events) = (SlotMap::new(), Vec::new());
        Self { listeners, connections, events, accepting: true, context }
    }

    /// One iteration of the loop: wait for events, then handle them.
    ///
    /// # Errors
    /// If a listener fails.
    pub fn iterate(&mut self) -> io::Result<()> {
        self.wait()?;
        while let Some((token, readiness)) = self.events.pop() {
            self.handle(token, readiness)?;
        }
        Ok(())
    }

    /// Handles one event. What the kernel can report of a connection, alone or
    /// together:
    ///
    /// * IN - `recv` would not block: data, EOF, or an error;
    /// * OUT - `send` would not block: space, or an error;
    /// * NVAL - not an open descriptor: a bug of ours;
    /// * HUP - both directions are closed (always reported);
    /// * ERR - an error, most often a reset (always reported).
    ///
    /// # Errors
    /// If a listener fails.
    pub fn handle(
        &mut self,
        token: u64,
        readiness: PollFlags,
    ) -> io::Result<()> {
        let listener = usize::try_from(token).unwrap_or(usize::MAX);
        if listener < self.listeners.len() {
            return self.accept_all(listener);
        }
        self.advance(KeyData::from_ffi(token).into(), readiness);
        Ok(())
    }

    /// Lets a connection make progress, and writes a trace line.
    fn advance(&mut self, key: DefaultKey, readiness: PollFlags) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.advance(&mut self.context);
        let Connection { socket, state, .. } = connection;
        self.context.trace(socket, &readiness, state);
        if *state == State::Closed {
            self.connections.remove(key);
            self.accepting = true;
        }
    }

    /// Accepts connections from a listener's queue: there may be many.
    fn accept_all(&mut self, index: usize) -> io::Result<()> {
        while let Some(listener) = self.listeners.get(index) {
            match socket::accept(listener)? {
                Accepted::Connection(connection, client) => {
                    log::trace!("fd {}: {client}", connection.as_raw_fd());
                    let connection = Connection::new(connection, client);
                    self.connections.insert(connection);
                }
                Accepted::Aborted(_) => {}
                Accepted::WouldBlock => break,
                // The connection stays in the accept queue and keeps the
                // listener ready, so watching it would spin.
                Accepted::OutOfResources(_) => {
                    self.accepting = false;
                    break;
                }
            }
        }
        Ok(())
    }

    /// Blocks until something is ready. The whole list goes to the kernel and
    /// back each time, however few entries are ready: the price of `poll`.
    fn wait(&mut self) -> io::Result<()> {
        self.context.log.flush();
        let (listening, timeout) = if self.accepting {
            (PollFlags::POLLIN, PollTimeout::NONE)
        } else {
            (PollFlags::empty(), PollTimeout::from(ACCEPT_RETRY_MS))
        };
        let (mut tokens, mut list) = (Vec::new(), Vec::new());
        for (index, listener) in self.listeners.iter().enumerate() {
            tokens.push(index as u64);
            list.push(PollFd::new(listener.as_fd(), listening));
        }
        for (key, connection) in &self.connections {
            tokens.push(key.data().as_ffi());
            let interest = connection.interest();
            list.push(PollFd::new(connection.socket.as_fd(), interest));
        }
        match poll(&mut list, timeout) {
            Ok(0) => self.accepting = true,
            Ok(_) | Err(Errno::EINTR) => {}
            // The kernel has no memory for the list; it may have some soon.
            Err(Errno::ENOMEM) => {
                log::warn!("cannot wait: {}", Errno::ENOMEM);
                thread::sleep(Duration::from_millis(ACCEPT_RETRY_MS.into()));
            }
            Err(error) => return Err(error.into()),
        }
        for (token, fd) in tokens.into_iter().zip(&list) {
            if let Some(readiness) = fd.revents().filter(|r| !r.is_empty()) {
                self.events.push((token, readiness));
            }
        }
        Ok(())
    }
}
