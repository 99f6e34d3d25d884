//! The event loop: the kernel reports each change once, and we keep the list.

mod admission;
mod interest;
mod shutdown;

use std::collections::VecDeque;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::epoll::{
    Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout,
};
use slotmap::{DefaultKey, KeyData, SlotMap};

pub use self::shutdown::Counters;
use crate::config::Config;
use crate::connection::{Connection, State};
use crate::context::Context;
use crate::signals::Signals;
use crate::site::Site;
use crate::stdio::Diagnostics;
use crate::timers::{self, Timers};

/// How long to wait, in milliseconds, before we try to accept again after
/// running out of descriptors. Another process may have taken the last one, and
/// nothing tells us when it is free.
const ACCEPT_RETRY_MS: u16 = 1000;

/// The most events one iteration takes from the kernel.
const MAX_EVENTS: usize = 256;

/// Tokens of events that are neither a listener's nor a connection's.
const TIMER: u64 = u64::MAX;
const STOP: u64 = u64::MAX - 1;

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
    /// The deadline of each connection.
    timers: Timers,
    /// False while we can take no more connections.
    accepting: bool,
    /// A spare descriptor. We close it to accept one more client and answer 503
    /// when we run out (EMFILE).
    spare_fd: Option<OwnedFd>,
    /// The signals to handle.
    signals: Option<Signals>,
    /// Deadline for requests in flight, once shutdown has begun.
    shutdown_deadline: Option<Duration>,
    /// When the listeners are closed, during shutdown.
    listeners_close_at: Option<Duration>,
    /// What this loop has done.
    counters: Counters,
    context: Context,
}

/// Serves on all listeners, with one thread that blocks in `epoll_wait` and
/// nowhere else, until one of them fails for good, or until a signal has asked
/// to stop and the shutdown is complete.
///
/// # Errors
/// If there can be no epoll instance, or a listener fails.
pub fn serve(
    listeners: Vec<OwnedFd>,
    site: Site,
    signals: Signals,
    config: &Config,
) -> io::Result<()> {
    let context = Context::new(site, config);
    let mut server = Server::new(listeners, context)?;
    server.watch_stop(signals)?;
    while !server.has_stopped() {
        server.iterate()?;
    }
    let Counters { finished, aborted } = server.finish();
    let name = env!("CARGO_PKG_NAME");
    let line = format!(
        "{name}: stopped: {finished} responses finished, {aborted} aborted\n"
    );
    // Standard error may be closed, and there is nothing else to use.
    let _ = Diagnostics.write_all(line.as_bytes());
    Ok(())
}

impl Server {
    /// A server with listeners and no connections.
    ///
    /// # Errors
    /// Those of `epoll_create1(2)`, `timerfd_create(2)` and `epoll_ctl(2)`.
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
            signals: None,
            shutdown_deadline: None,
            listeners_close_at: None,
            counters: Counters::default(),
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
        while let Some(key) = self.timers.pop_due(self.context.now) {
            if let Some(connection) = self.connections.get_mut(key) {
                connection.expire(&mut self.context);
            }
            self.after_event(key, "deadline");
        }
        self.close_listeners()
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
        match token {
            TIMER => self.timers.fired(),
            STOP => self.read_signals()?,
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
        self.after_event(key, "run");
    }

    /// Follows up on anything done with a connection: close, deadline, queue.
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

    /// Blocks until something is ready. Only what is ready comes back, so a
    /// wake-up costs the same with ten connections and with ten thousand.
    fn wait(&mut self) -> io::Result<()> {
        self.shrink();
        self.timers.arm(self.listeners_close_at.or(self.shutdown_deadline))?;
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
