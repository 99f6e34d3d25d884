//! Waiting: the kernel tells of each change once, and we keep the list.

mod admission;
mod interest;
mod shutdown;

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::epoll::{
    Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout,
};
use slotmap::{DefaultKey, KeyData, SlotMap};

pub use self::shutdown::Counters;
use crate::connection::{Connection, State};
use crate::context::Context;
use crate::timers::{self, Timers};

/// How long to wait at most, in milliseconds, before a server that found no
/// descriptor looks again. Another process may have been in the way, and
/// nobody tells us when it is done.
const ACCEPT_RETRY_MS: u16 = 1000;

/// How many events one turn takes from the kernel at most.
const MAX_EVENTS: usize = 256;

/// The tokens of what is neither a listener nor a connection.
const TIMER: u64 = u64::MAX;
const STOP: u64 = u64::MAX - 1;
const REOPEN: u64 = u64::MAX - 2;

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
    /// Those that can go on without anything being said of them: because it
    /// has been said, and their last turn ended before they did.
    ready: VecDeque<DefaultKey>,
    /// When each connection must have got further.
    timers: Timers,
    /// False while there is no room for more connections.
    accepting: bool,
    /// A descriptor, to have one when there are none.
    spare_fd: Option<OwnedFd>,
    /// Until when at the latest, once it was said to stop.
    shutdown_deadline: Option<Duration>,
    /// Until when the listeners stay, after that.
    listeners_close_at: Option<Duration>,
    /// What there was to count.
    counters: Counters,
    context: Context,
}

impl Server {
    /// A server with listeners and no connections.
    ///
    /// # Errors
    /// What `epoll_create1(2)`, `timerfd_create(2)` and `epoll_ctl(2)` say.
    pub fn new(listeners: Vec<OwnedFd>, context: Context) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        for (index, listener) in listeners.iter().enumerate() {
            let event = EpollEvent::new(EpollFlags::EPOLLIN, index as u64);
            epoll.add(listener, event)?;
        }
        let timers = Timers::new()?;
        let interest = EpollFlags::EPOLLIN | EpollFlags::EPOLLET;
        epoll.add(timers.fd(), EpollEvent::new(interest, TIMER))?;
        Ok(Self {
            spare_fd: admission::spare_descriptor(),
            epoll,
            listeners,
            connections: SlotMap::new(),
            events: Vec::new(),
            ready: VecDeque::new(),
            timers,
            accepting: true,
            shutdown_deadline: None,
            listeners_close_at: None,
            counters: Counters::default(),
            context,
        })
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
        for _ in 0..self.ready.len() {
            let Some(key) = self.ready.pop_front() else { break };
            self.advance(key);
        }
        while let Some(key) = self.timers.pop_due(self.context.now) {
            if let Some(connection) = self.connections.get_mut(key) {
                connection.expire(&mut self.context);
            }
            self.after_event(key, "deadline");
        }
        self.context.cache.evict_idle(self.context.now);
        self.close_listeners()
    }

    /// Notes one event. What the kernel can say of a connection, alone or
    /// together:
    ///
    /// * IN - `recv` would not sleep: bytes, the end, or an error;
    /// * PRI - there is an urgent byte, which ends a `recv` before it;
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
        match token {
            TIMER => self.timers.fired(),
            STOP if self.shutdown_deadline.is_none() => self.begin_shutdown(),
            REOPEN => self.context.reopen_root(),
            _ => {}
        }
        let listener = usize::try_from(token).unwrap_or(usize::MAX);
        if listener < self.listeners.len() {
            return self.accept_all(listener, admission::ACCEPT_BUDGET);
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

    /// Puts a connection into the queue of those that can go on, once.
    fn enqueue(&mut self, key: DefaultKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if connection.can_advance() && !connection.queued {
            connection.queued = true;
            self.ready.push_back(key);
        }
    }

    /// Lets a connection go on, and tells about it in one line.
    fn advance(&mut self, key: DefaultKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.queued = false;
        connection.advance(&mut self.context);
        self.after_event(key, "turn");
    }

    /// Sees to what follows from anything done with a connection.
    fn after_event(&mut self, key: DefaultKey, event: &str) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if self.shutdown_deadline.is_some() && connection.is_idle() {
            connection.terminate(&mut self.context);
        }
        let Connection { socket, state, .. } = connection;
        self.context.trace(socket, &event, state);
        if *state == State::Closed {
            return self.close(key);
        }
        let deadline = connection.deadline(&self.context.limits);
        self.timers.schedule(key, deadline);
        if !connection.watched {
            connection.watched = true;
            self.watch(key);
        }
        self.enqueue(key);
    }

    /// Closes a connection: there is no other way in which one ends.
    fn close(&mut self, key: DefaultKey) {
        self.connections.remove(key);
        self.timers.cancel(key);
        self.resume_accepting();
    }

    /// Sleeps until something is ready. What comes back is what is ready, and
    /// no more: it costs the same with ten connections and with ten thousand.
    fn wait(&mut self) -> io::Result<()> {
        self.shrink();
        let own = self.listeners_close_at.or(self.shutdown_deadline);
        let own = own.into_iter().chain(self.context.cache.deadline()).min();
        self.timers.arm(own)?;
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
        self.context.now = timers::now();
        if count == 0 && self.ready.is_empty() {
            self.resume_accepting();
        }
        for event in list.iter().take(count) {
            self.events.push((event.data(), event.events()));
        }
        Ok(())
    }
}
