//! Waiting: the kernel tells of each change once, and we keep the list.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::epoll::{
    Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout,
};
use slotmap::{DefaultKey, Key, KeyData, SlotMap};

use crate::config::Config;
use crate::connection::{Connection, State};
use crate::site::Site;
use crate::socket::{self, Accepted};
use crate::worker::Worker;

/// How long to wait at most, in milliseconds, before a server that found no
/// descriptor looks again. Another process may have been in the way, and
/// nobody tells us when it is done.
const LOOK_AGAIN: u16 = 1000;

/// How many events one turn takes from the kernel at most.
const EVENTS: usize = 256;

/// How many connections one turn accepts at most from each listener, which is
/// level-triggered: those that remain are announced again.
const ACCEPTS: usize = 64;

/// What to tell of a connection: everything, and each change once.
fn every_change() -> EpollFlags {
    EpollFlags::EPOLLIN
        | EpollFlags::EPOLLOUT
        | EpollFlags::EPOLLRDHUP
        | EpollFlags::EPOLLET
}

/// The loop and all that it serves.
pub struct Server {
    epoll: Epoll,
    listeners: Vec<OwnedFd>,
    /// Its keys are the tokens that the kernel gives back with each event. A
    /// key is never used twice: the event of a connection that is closed leads
    /// nowhere, and not to the next one in the same place.
    connections: SlotMap<DefaultKey, Connection>,
    /// Those that can go on without anything being said of them: because it
    /// has been said, and their last turn ended before they did.
    ready: VecDeque<DefaultKey>,
    /// False while no descriptor is free.
    accepting: bool,
    worker: Worker,
}

/// Serves on all listeners, from one thread that sleeps in `epoll_wait` and
/// nowhere else, until one of them fails for good.
///
/// # Errors
/// If there is no epoll instance to be had, or a listener is no listener any
/// more.
pub fn serve(
    listeners: Vec<OwnedFd>,
    site: Site,
    config: &Config,
) -> io::Result<()> {
    let worker = Worker::new(site, config);
    let mut server = Server::new(listeners, worker)?;
    loop {
        server.turn()?;
    }
}

impl Server {
    /// A server that watches its listeners.
    ///
    /// # Errors
    /// What `epoll_create1(2)` and `epoll_ctl(2)` say.
    pub fn new(listeners: Vec<OwnedFd>, worker: Worker) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        for (index, listener) in listeners.iter().enumerate() {
            let event = EpollEvent::new(EpollFlags::EPOLLIN, index as u64);
            epoll.add(listener, event)?;
        }
        let (connections, ready) = (SlotMap::new(), VecDeque::new());
        let accepting = true;
        Ok(Self { epoll, listeners, connections, ready, accepting, worker })
    }

    /// One turn of the loop: sleep until something is ready, note what it is,
    /// and give a turn to each connection that can go on.
    ///
    /// # Errors
    /// If a listener is no listener any more.
    pub fn turn(&mut self) -> io::Result<()> {
        let mut events = [EpollEvent::empty(); EVENTS];
        let count = self.wait(&mut events)?;
        for event in events.iter().take(count) {
            self.handle(event.data(), event.events())?;
        }
        for _ in 0..self.ready.len() {
            let Some(key) = self.ready.pop_front() else { break };
            self.advance(key)?;
        }
        Ok(())
    }

    /// Notes one event. What the kernel can say of a connection, alone or
    /// together:
    ///
    /// * EPOLLIN - `recv` would not sleep: bytes, the end, or an error;
    /// * EPOLLOUT - `send` would not sleep: room, or an error;
    /// * EPOLLRDHUP - the client sends no more, but may still read: a
    ///   half-close. There may be bytes to read before the end;
    /// * EPOLLHUP - both directions are closed; comes unasked;
    /// * EPOLLERR - the connection has an error, most often a reset, and the
    ///   next call will say which; comes unasked.
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
        let key = DefaultKey::from(KeyData::from_ffi(token));
        let Some(connection) = self.connections.get_mut(key) else {
            return Ok(());
        };
        let fd = connection.as_fd().as_raw_fd();
        log::trace!("fd {fd}: {readiness:?} in {:?}", connection.state());
        connection.note(readiness);
        if connection.can_advance() && !connection.queued {
            connection.queued = true;
            self.ready.push_back(key);
        }
        Ok(())
    }

    /// Gives a connection its turn, and tells about it in one line.
    fn advance(&mut self, key: DefaultKey) -> io::Result<()> {
        let Some(connection) = self.connections.get_mut(key) else {
            return Ok(());
        };
        let before = (self.worker.received, self.worker.sent);
        connection.advance(&mut self.worker);
        log::trace!(
            "fd {}: {} bytes in, {} bytes out, now {:?}",
            connection.as_fd().as_raw_fd(),
            self.worker.received - before.0,
            self.worker.sent - before.1,
            connection.state(),
        );
        if connection.state() != State::Closed {
            connection.queued = connection.can_advance();
            if connection.queued {
                self.ready.push_back(key);
            }
            return Ok(());
        }
        self.connections.remove(key);
        if self.accepting { Ok(()) } else { self.watch_listeners(true) }
    }

    /// Sleeps until something is ready. What the kernel writes to `events` is
    /// what is ready, and no more: it costs the same with ten connections and
    /// with ten thousand.
    fn wait(&mut self, events: &mut [EpollEvent]) -> io::Result<usize> {
        if self.ready.is_empty() {
            self.worker.log.flush();
        }
        let patience = if !self.ready.is_empty() {
            EpollTimeout::ZERO
        } else if self.accepting {
            EpollTimeout::NONE
        } else {
            EpollTimeout::from(LOOK_AGAIN)
        };
        match self.epoll.wait(events, patience) {
            Ok(0) if self.ready.is_empty() => self.watch_listeners(true)?,
            Ok(count) => return Ok(count),
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(0)
    }

    /// Takes connections that wait on a listener: it may be many.
    fn accept_all(&mut self, index: usize) -> io::Result<()> {
        let Some(listener) = self.listeners.get(index) else { return Ok(()) };
        for _ in 0..ACCEPTS {
            match socket::accept(listener)? {
                Accepted::Connection(connection, client) => {
                    log::trace!("fd {}: {client}", connection.as_raw_fd());
                    let connection = Connection::new(connection, client);
                    let key = self.connections.insert(connection);
                    watch(&self.epoll, &mut self.connections, key);
                }
                Accepted::Lost(_) => {}
                Accepted::Nothing => return Ok(()),
                // It stays in the backlog, so the listener stays ready, and
                // to go on asking about it would spin.
                Accepted::NoRoom(_) => return self.watch_listeners(false),
            }
        }
        Ok(())
    }

    /// Goes on with the listeners, or lets them wait.
    fn watch_listeners(&mut self, accepting: bool) -> io::Result<()> {
        let interest =
            if accepting { EpollFlags::EPOLLIN } else { EpollFlags::empty() };
        for (index, listener) in self.listeners.iter().enumerate() {
            let mut event = EpollEvent::new(interest, index as u64);
            self.epoll.modify(listener, &mut event)?;
        }
        self.accepting = accepting;
        Ok(())
    }
}

/// Tells the kernel of a new connection, once and for all. A descriptor that
/// is closed leaves the epoll set by itself, as long as nobody has a duplicate
/// of it (epoll(7)): nobody has, so there is nothing to delete.
fn watch(
    epoll: &Epoll,
    connections: &mut SlotMap<DefaultKey, Connection>,
    key: DefaultKey,
) {
    let Some(connection) = connections.get(key) else { return };
    let event = EpollEvent::new(every_change(), key.data().as_ffi());
    // No memory, or too many watches (ENOSPC). What can't be watched can't be
    // served.
    if let Err(error) = epoll.add(connection, event) {
        log::warn!("cannot watch a connection: {error}");
        connections.remove(key);
    }
}
