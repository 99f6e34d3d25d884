//! Waiting: the kernel tells of each change once, and we keep the list.

mod interest;
mod room;
mod stop;

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::epoll::{
    Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout,
};
use slotmap::{DefaultKey, KeyData, SlotMap};

pub use self::stop::Tally;
use crate::config::Config;
use crate::connection::{Connection, State};
use crate::limits;
use crate::site::Site;
use crate::threads;
use crate::timers::{self, Timers};
use crate::worker::Worker;

/// How long to wait at most, in milliseconds, before a server that found no
/// descriptor looks again. Another process may have been in the way, and
/// nobody tells us when it is done.
const LOOK_AGAIN: u16 = 1000;

/// How many events one turn takes from the kernel at most.
const EVENTS: usize = 256;

/// The tokens of what is neither a listener nor a connection.
const TIMER: u64 = u64::MAX;
const STOP: u64 = u64::MAX - 1;

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
    reserve: Option<OwnedFd>,
    /// Until when at the latest, once it was said to stop.
    stopping: Option<Duration>,
    /// Until when the listeners stay, after that.
    leaving: Option<Duration>,
    /// What there was to count.
    tally: Tally,
    worker: Worker,
}

/// Serves on all listeners, from threads that sleep in `epoll_wait` and
/// nowhere else, until one of them fails for good, or a signal asks to stop and
/// what was under way is done.
///
/// # Errors
/// If there is no epoll instance, or a listener is no listener any more.
pub fn serve(
    listeners: Vec<OwnedFd>,
    site: &Site,
    config: &Config,
) -> io::Result<()> {
    limits::raise_descriptors();
    threads::run(listeners, site, config)
}

impl Server {
    /// A server with listeners and no connections.
    ///
    /// # Errors
    /// What `epoll_create1(2)`, `timerfd_create(2)` and `epoll_ctl(2)` say.
    pub fn new(listeners: Vec<OwnedFd>, worker: Worker) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        for (index, listener) in listeners.iter().enumerate() {
            let event = EpollEvent::new(EpollFlags::EPOLLIN, index as u64);
            epoll.add(listener, event)?;
        }
        let timers = Timers::new()?;
        let interest = EpollFlags::EPOLLIN | EpollFlags::EPOLLET;
        epoll.add(timers.fd(), EpollEvent::new(interest, TIMER))?;
        Ok(Self {
            reserve: room::spare_descriptor(),
            epoll,
            listeners,
            connections: SlotMap::new(),
            events: Vec::new(),
            ready: VecDeque::new(),
            timers,
            accepting: true,
            stopping: None,
            leaving: None,
            tally: Tally::default(),
            worker,
        })
    }

    /// One turn of the loop: sleep until something is ready, and see to it.
    ///
    /// # Errors
    /// If a listener is no listener any more.
    pub fn turn(&mut self) -> io::Result<()> {
        self.wait()?;
        while let Some((token, readiness)) = self.events.pop() {
            self.handle(token, readiness)?;
        }
        for _ in 0..self.ready.len() {
            let Some(key) = self.ready.pop_front() else { break };
            self.advance(key);
        }
        while let Some(key) = self.timers.due(self.worker.now) {
            if let Some(connection) = self.connections.get_mut(key) {
                connection.expire(&mut self.worker);
            }
            self.settle(key, "deadline");
        }
        self.worker.cache.forget(self.worker.now);
        self.stop_listening()
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
            STOP if self.stopping.is_none() => self.stop(),
            _ => {}
        }
        let listener = usize::try_from(token).unwrap_or(usize::MAX);
        if listener < self.listeners.len() {
            return self.accept_all(listener, room::ACCEPTS);
        }
        let key = KeyData::from_ffi(token).into();
        if let Some(connection) = self.connections.get_mut(key) {
            connection.note(readiness);
            let Connection { socket, state, .. } = connection;
            self.worker.narrate(socket, &readiness, state);
            self.queue(key);
        }
        Ok(())
    }

    /// Puts a connection into the queue of those that can go on, once.
    fn queue(&mut self, key: DefaultKey) {
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
        connection.advance(&mut self.worker);
        self.settle(key, "turn");
    }

    /// Sees to what follows from anything done with a connection.
    fn settle(&mut self, key: DefaultKey, event: &str) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if self.stopping.is_some() && connection.is_idle() {
            connection.leave(&mut self.worker);
        }
        let Connection { socket, state, .. } = connection;
        self.worker.narrate(socket, &event, state);
        if *state == State::Closed {
            self.connections.remove(key);
            self.timers.cancel(key);
            return self.make_room();
        }
        let deadline = connection.deadline(&self.worker.limits);
        self.timers.schedule(key, deadline);
        if !connection.watched {
            connection.watched = true;
            interest::watch(&self.epoll, &mut self.connections, key);
        }
        self.queue(key);
    }

    /// Sleeps until something is ready. What comes back is what is ready, and
    /// no more: it costs the same with ten connections and with ten thousand.
    fn wait(&mut self) -> io::Result<()> {
        self.shrink();
        let own = self.leaving.or(self.stopping);
        let own = own.into_iter().chain(self.worker.cache.deadline()).min();
        self.timers.arm(own)?;
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
        let mut list = [EpollEvent::empty(); EVENTS];
        let count = match self.epoll.wait(&mut list, patience) {
            Ok(count) => count,
            Err(Errno::EINTR) => 0,
            Err(error) => return Err(error.into()),
        };
        self.worker.now = timers::now();
        if count == 0 && self.ready.is_empty() {
            self.make_room();
        }
        for event in list.iter().take(count) {
            self.events.push((event.data(), event.events()));
        }
        Ok(())
    }
}
