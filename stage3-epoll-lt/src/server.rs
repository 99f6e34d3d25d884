//! The event loop: the kernel keeps the list of what we wait for.

mod interest;

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::epoll::{
    Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout,
};
use slotmap::{DefaultKey, KeyData, SlotMap};

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

/// The most events one iteration takes from the kernel.
const MAX_EVENTS: usize = 256;

/// The event loop and everything it serves.
pub struct Server {
    epoll: Epoll,
    listeners: Vec<OwnedFd>,
    /// A key is never used twice, so a late event for a closed connection finds
    /// nothing, and not the connection that took its place.
    connections: SlotMap<DefaultKey, Connection>,
    /// Reported events: a listener by its index, a connection by its key.
    events: Vec<(u64, EpollFlags)>,
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

/// Serves on all listeners, with one thread that blocks in `epoll_wait` and
/// nowhere else, until one of them fails for good.
///
/// # Errors
/// If there can be no epoll instance, or a listener fails.
pub fn serve(
    listeners: Vec<OwnedFd>,
    site: &Site,
    config: &Config,
) -> io::Result<()> {
    let context = Context::new(site.clone(), config);
    let mut server = Server::new(listeners, context)?;
    loop {
        server.iterate()?;
    }
}

impl Server {
    /// A server with listeners and no connections.
    ///
    /// # Errors
    /// Those of `epoll_create1(2)` and `epoll_ctl(2)`.
    pub fn new(listeners: Vec<OwnedFd>, context: Context) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        for (index, listener) in listeners.iter().enumerate() {
            let event = EpollEvent::new(EpollFlags::EPOLLIN, index as u64);
            epoll.add(listener, event)?;
        }
        let (connections, events) = (SlotMap::new(), Vec::new());
        let accepting = true;
        Ok(Self { epoll, listeners, connections, events, accepting, context })
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
    /// * RDHUP - a half-close: the client sends no more, but may still read.
    ///   There may be data before the EOF;
    /// * HUP - both directions are closed (always reported);
    /// * ERR - an error, most often a reset (always reported).
    ///
    /// # Errors
    /// If a listener fails.
    pub fn handle(
        &mut self,
        token: u64,
        readiness: EpollFlags,
    ) -> io::Result<()> {
        let listener = usize::try_from(token).unwrap_or(usize::MAX);
        if listener < self.listeners.len() {
            return self.accept_all(listener);
        }
        self.advance(KeyData::from_ffi(token).into(), readiness);
        Ok(())
    }

    /// Lets a connection make progress, and writes a trace line.
    fn advance(&mut self, key: DefaultKey, readiness: EpollFlags) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.advance(&mut self.context);
        let Connection { socket, state, .. } = connection;
        self.context.trace(socket, &readiness, state);
        if *state == State::Closed {
            self.close(key);
        }
        self.watch(key);
    }

    /// Closes a connection: there is no other way in which one ends.
    fn close(&mut self, key: DefaultKey) {
        self.connections.remove(key);
        self.watch_listeners(true);
    }

    /// Accepts connections from a listener's queue: there may be many.
    fn accept_all(&mut self, index: usize) -> io::Result<()> {
        while let Some(listener) = self.listeners.get(index) {
            match socket::accept(listener)? {
                Accepted::Connection(connection, client) => {
                    log::trace!("fd {}: {client}", connection.as_raw_fd());
                    let connection = Connection::new(connection, client);
                    let key = self.connections.insert(connection);
                    self.watch(key);
                }
                Accepted::Aborted(_) => {}
                Accepted::WouldBlock => break,
                // The connection stays in the accept queue and keeps the
                // listener ready, so watching it would spin.
                Accepted::OutOfResources(_) => {
                    self.watch_listeners(false);
                    break;
                }
            }
        }
        Ok(())
    }

    /// Blocks until something is ready. Only what is ready comes back, so a
    /// wake-up costs the same with ten connections and with ten thousand.
    fn wait(&mut self) -> io::Result<()> {
        self.context.log.flush();
        let timeout = if self.accepting {
            EpollTimeout::NONE
        } else {
            EpollTimeout::from(ACCEPT_RETRY_MS)
        };
        let mut list = [EpollEvent::empty(); MAX_EVENTS];
        let count = match self.epoll.wait(&mut list, timeout) {
            Ok(count) => count,
            Err(Errno::EINTR) => 0,
            Err(error) => return Err(error.into()),
        };
        if count == 0 {
            self.watch_listeners(true);
        }
        for event in list.iter().take(count) {
            self.events.push((event.data(), event.events()));
        }
        Ok(())
    }
}
