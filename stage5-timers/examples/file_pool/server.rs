//! The loop. It waits in `epoll_wait` and nowhere else, and makes no call that
//! could wait for a disk.

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use nix::errno::Errno;
use nix::sys::epoll::{
    Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout,
};
use slotmap::{DefaultKey, Key as _, KeyData, SlotMap};
use stage::connection::{Connection, READABLE, State};
use stage::context::Context;
use stage::timers::{self, Timers};

use crate::pool::Pool;

/// The most events that one iteration takes from the kernel.
const MAX_EVENTS: usize = 256;

/// The longest wait, in milliseconds, for another process to free a descriptor.
const ACCEPT_RETRY_MS: u16 = 1000;

/// The tokens of what is neither a listener nor a connection.
const TIMER: u64 = u64::MAX;
const DONE: u64 = u64::MAX - 1;

/// A slot of the table. While the pool has its connection, the slot is empty,
/// so nothing can be done with the connection, and events for it are kept.
pub struct Slot {
    pub connection: Option<Connection>,
    pub said: EpollFlags,
}

/// The connection in a slot, unless the pool has it.
fn here(
    slots: &mut SlotMap<DefaultKey, Slot>,
    key: DefaultKey,
) -> Option<&mut Connection> {
    slots.get_mut(key)?.connection.as_mut()
}

/// The loop and all that it serves.
pub struct Server {
    pub epoll: Epoll,
    pub listeners: Vec<OwnedFd>,
    pub accepting: bool,
    pub slots: SlotMap<DefaultKey, Slot>,
    /// Connections that can make progress, and for which the pool has had no
    /// place yet.
    ready: VecDeque<DefaultKey>,
    timers: Timers,
    pool: Arc<Pool>,
    /// For the work of the loop itself: rejecting connections, and timing them
    /// out. Neither opens a file.
    pub context: Context,
}

impl Server {
    /// A loop with listeners and no connections.
    ///
    /// # Errors
    /// What `epoll_create1(2)`, `timerfd_create(2)` and `epoll_ctl(2)` say.
    pub fn new(
        listeners: Vec<OwnedFd>,
        pool: Arc<Pool>,
        context: Context,
    ) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        for (listener, token) in listeners.iter().zip(0..) {
            epoll.add(listener, EpollEvent::new(EpollFlags::EPOLLIN, token))?;
        }
        let timers = Timers::new()?;
        let interest = EpollFlags::EPOLLIN | EpollFlags::EPOLLET;
        epoll.add(timers.fd(), EpollEvent::new(interest, TIMER))?;
        epoll.add(&pool.wake, EpollEvent::new(interest, DONE))?;
        let (slots, ready, accepting) = (SlotMap::new(), VecDeque::new(), true);
        Ok(Self {
            epoll,
            listeners,
            accepting,
            slots,
            ready,
            timers,
            pool,
            context,
        })
    }

    /// One iteration: sleep, record events, hand over what can make progress.
    /// No call here waits for anything but the next event.
    ///
    /// # Errors
    /// If a listener is no listener any more.
    pub fn iterate(&mut self) -> io::Result<()> {
        self.timers.arm(None)?;
        self.context.log.flush();
        let again = EpollTimeout::from(ACCEPT_RETRY_MS);
        let patience = if self.accepting { EpollTimeout::NONE } else { again };
        let mut list = [EpollEvent::empty(); MAX_EVENTS];
        let count = match self.epoll.wait(&mut list, patience) {
            Err(Errno::EINTR) => 0,
            other => other?,
        };
        self.context.now = timers::now();
        if count == 0 {
            self.listen(true);
        }
        for event in list.iter().take(count) {
            self.handle(event.data(), event.events())?;
        }
        while let Some(key) = self.timers.pop_due(self.context.now) {
            self.expire(key);
        }
        self.hand_over();
        Ok(())
    }

    /// Hands connections to the pool as long as its queue has a place. The
    /// others wait here without spinning: the first connection that comes back
    /// wakes the loop.
    fn hand_over(&mut self) {
        let Self { pool, ready, slots, .. } = self;
        pool.fill(|| {
            let key = ready.pop_front()?;
            let mut connection = slots.get_mut(key)?.connection.take()?;
            connection.queued = false;
            Some((key, connection))
        });
    }

    /// Records one event. The eventfd and the timer are watched edge-triggered:
    /// each write and each expiry is reported once, and nothing has to read
    /// them.
    fn handle(&mut self, token: u64, readiness: EpollFlags) -> io::Result<()> {
        let listener = usize::try_from(token).unwrap_or(usize::MAX);
        if listener < self.listeners.len() {
            return self.accept_all(listener);
        }
        match token {
            TIMER => self.timers.fired(),
            DONE => self.take_back(),
            _ => {}
        }
        let key = KeyData::from_ffi(token).into();
        if let Some(slot) = self.slots.get_mut(key) {
            match &mut slot.connection {
                Some(connection) => connection.note_readiness(readiness),
                None => slot.said |= readiness,
            }
            self.queue(key);
        }
        Ok(())
    }

    /// Puts finished connections back into the table, with the events that came
    /// for them in the meantime.
    fn take_back(&mut self) {
        for (key, mut connection) in self.pool.take() {
            let Some(slot) = self.slots.get_mut(key) else { continue };
            connection.note_readiness(mem::replace(
                &mut slot.said,
                EpollFlags::empty(),
            ));
            slot.connection = Some(connection);
            self.settle(key);
        }
    }

    /// Handles an expired deadline. A connection that is with the pool, or
    /// waits for it, is late because of us, so it is checked again when it
    /// comes back.
    fn expire(&mut self, key: DefaultKey) {
        let Some(connection) = here(&mut self.slots, key) else { return };
        if !connection.queued {
            connection.expire(&mut self.context);
            self.settle(key);
        }
    }

    /// Follows up on anything done with a connection.
    pub fn settle(&mut self, key: DefaultKey) {
        let Some(connection) = here(&mut self.slots, key) else { return };
        let mut open = connection.state != State::Closed;
        if open && !connection.watched {
            let all = READABLE | EpollFlags::EPOLLOUT | EpollFlags::EPOLLET;
            let event = EpollEvent::new(all, key.data().as_ffi());
            connection.watched = true;
            open = self.epoll.add(&connection.socket, event).is_ok();
        }
        if open {
            let deadline = connection.deadline(&self.context.limits);
            self.timers.schedule(key, deadline);
            self.queue(key);
        } else {
            self.slots.remove(key);
            self.timers.cancel(key);
            self.listen(true);
        }
    }

    /// Puts a connection that is here into the ready queue.
    fn queue(&mut self, key: DefaultKey) {
        let Some(connection) = here(&mut self.slots, key) else { return };
        if connection.can_advance() && !connection.queued {
            connection.queued = true;
            self.ready.push_back(key);
        }
    }
}
