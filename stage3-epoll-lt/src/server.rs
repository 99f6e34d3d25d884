//! Waiting: the kernel keeps the list of what one thread waits for.

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

/// How long to wait at most, in milliseconds, before a server that found no
/// descriptor looks again. Another process may have been in the way, and
/// nobody tells us when it is done.
const ACCEPT_RETRY_MS: u16 = 1000;

/// How many events one turn takes from the kernel at most.
const MAX_EVENTS: usize = 256;

/// The loop and all that it serves.
pub struct Server {
    epoll: Epoll,
    listeners: Vec<OwnedFd>,
    /// A key is never used twice: the event of a connection that is closed
    /// leads nowhere, and not to the next one in the same place.
    connections: SlotMap<DefaultKey, Connection>,
    /// What is ready, and for what: a listener by its number, a connection by
    /// its key.
    events: Vec<(u64, EpollFlags)>,
    /// False while no descriptor is free.
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

/// Serves on all listeners, from one thread that sleeps in `epoll_wait` and
/// nowhere else, until one of them fails for good.
///
/// # Errors
/// If there is no epoll instance, or a listener is no listener any more.
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
    /// What `epoll_create1(2)` and `epoll_ctl(2)` say.
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

    /// One turn of the loop: sleep until something is ready, and see to it.
    ///
    /// # Errors
    /// If a listener is no listener any more.
    pub fn iterate(&mut self) -> io::Result<()> {
        self.wait()?;
        while let Some((token, readiness)) = self.events.pop() {
            self.handle(token, readiness)?;
        }
        Ok(())
    }

    /// Sees to one event. What the kernel can say of a connection, alone or
    /// together:
    ///
    /// * IN - `recv` would not sleep: bytes, the end, or an error;
    /// * OUT - `send` would not sleep: room, or an error;
    /// * RDHUP - the client sends no more, but may still read: a half-close.
    ///   There may be bytes to read before the end;
    /// * HUP - both directions are closed; comes unasked;
    /// * ERR - the connection has an error, most often a reset, and the next
    ///   call will say which; comes unasked.
    ///
    /// # Errors
    /// If a listener is no listener any more.
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

    /// Lets a connection go on, and tells about it in one line.
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

    /// Takes all connections that wait on a listener: it may be many.
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
                // It stays in the backlog, so the listener stays ready, and
                // to go on asking about it would spin.
                Accepted::OutOfResources(_) => {
                    self.watch_listeners(false);
                    break;
                }
            }
        }
        Ok(())
    }

    /// Sleeps until something is ready. What comes back is what is ready, and
    /// no more: it costs the same with ten connections and with ten thousand.
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
