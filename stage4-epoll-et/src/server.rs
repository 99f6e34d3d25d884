//! The event loop: the kernel reports each change once, and we keep the list.

mod interest;

use std::collections::VecDeque;
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

/// The most connections one iteration accepts from each listener. Listeners are
/// level-triggered, so the rest are reported again.
const ACCEPT_BUDGET: usize = 64;

/// The event loop and everything it serves.
pub struct Server {
    epoll: Epoll,
    listeners: Vec<OwnedFd>,
    /// A key is never used twice, so a late event for a closed connection finds
    /// nothing, and not the connection that took its place.
    connections: SlotMap<DefaultKey, Connection>,
    /// Reported events: a listener by its index, a connection by its key.
    events: Vec<(u64, EpollFlags)>,
    /// The ready queue: connections that can make progress without a new event,
    /// because their budget ended before their data did.
    ready: VecDeque<DefaultKey>,
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
        let (ready, accepting) = (VecDeque::new(), true);
        Ok(Self {
            epoll,
            listeners,
            connections,
            events,
            ready,
            accepting,
            context,
        })
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
        for _ in 0..self.ready.len() {
            let Some(key) = self.ready.pop_front() else { break };
            self.advance(key);
        }
        Ok(())
    }

    /// Handles one event. What the kernel can report of a connection, alone or
    /// together:
    ///
    /// * IN - `recv` would not block: data, EOF, or an error;
    /// * PRI - an urgent byte has arrived, and `recv` stops before it;
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
        let key = KeyData::from_ffi(token).into();
        if let Some(connection) = self.connections.get_mut(key) {
            connection.note_readiness(readiness);
            let Connection { socket, state, .. } = connection;
            self.context.trace(socket, &readiness, state);
            self.enqueue(key);
        }
        Ok(())
    }

    /// Puts a connection into the ready queue, unless it is there already.
    fn enqueue(&mut self, key: DefaultKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if connection.can_advance() && !connection.queued {
            connection.queued = true;
            self.ready.push_back(key);
        }
    }

    /// Lets a connection make progress, and writes a trace line.
    fn advance(&mut self, key: DefaultKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.queued = false;
        connection.advance(&mut self.context);
        let Connection { socket, state, .. } = connection;
        self.context.trace(socket, &"run", state);
        if *state == State::Closed {
            self.close(key);
        }
        self.enqueue(key);
    }

    /// Closes a connection: there is no other way in which one ends.
    fn close(&mut self, key: DefaultKey) {
        self.connections.remove(key);
        self.watch_listeners(true);
    }

    /// Accepts connections from a listener's queue: there may be many.
    fn accept_all(&mut self, index: usize) -> io::Result<()> {
        for _ in 0..ACCEPT_BUDGET {
            let Some(listener) = self.listeners.get(index) else { break };
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
        if self.ready.is_empty() {
            self.context.log.flush();
        }
        let timeout = if !self.ready.is_empty() {
            EpollTimeout::ZERO
        } else if self.accepting {
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
        if count == 0 && self.ready.is_empty() {
            self.watch_listeners(true);
        }
        for event in list.iter().take(count) {
            self.events.push((event.data(), event.events()));
        }
        Ok(())
    }
}
