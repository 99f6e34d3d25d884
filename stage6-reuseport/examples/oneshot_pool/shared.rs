//! What the workers share, and the locks around it.
//!
//! A worker holds the lock of a connection while it serves it, and thanks to
//! EPOLLONESHOT no other worker wants it. The other locks are held for a few
//! instructions, and that of the timers now and then for a `timerfd_settime`.
//! While holding a connection's lock you may take one of the others. While
//! holding one of the others you must take none.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use slotmap::{DefaultKey, Key as _, SlotMap};
use stage5::connection::{Connection, State};
use stage5::timers::Timers;

/// The token of the timer; a listener's is its number, a connection's its key.
pub const TIMER: u64 = u64::MAX;

/// A connection that any worker may serve, one at a time.
pub type Served = Arc<Mutex<Connection>>;

/// One epoll instance and everything that it watches.
pub struct Shared {
    pub epoll: Epoll,
    pub listeners: Vec<OwnedFd>,
    /// All connections. A worker looks one up and releases the table; then it
    /// shares the connection, while it serves it.
    pub table: Mutex<SlotMap<DefaultKey, Served>>,
    pub timers: Mutex<Timers>,
    /// Whether a listener is paused at the connection limit.
    pub full: AtomicBool,
}

impl Shared {
    /// An epoll instance with listeners and no connections.
    ///
    /// # Errors
    /// What `epoll_create1(2)`, `timerfd_create(2)` and `epoll_ctl(2)` say.
    pub fn new(listeners: Vec<OwnedFd>) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let once = EpollFlags::EPOLLIN | EpollFlags::EPOLLONESHOT;
        for (listener, token) in listeners.iter().zip(0..) {
            epoll.add(listener, EpollEvent::new(once, token))?;
        }
        let timers = Timers::new()?;
        // Edge-triggered, an expiry wakes one worker, and nothing has to read
        // it.
        let edge = EpollFlags::EPOLLIN | EpollFlags::EPOLLET;
        epoll.add(timers.fd(), EpollEvent::new(edge, TIMER))?;
        let (table, timers) = (Mutex::default(), Mutex::new(timers));
        let full = AtomicBool::new(false);
        Ok(Self { epoll, listeners, table, timers, full })
    }

    /// The connection of a key, if it is open.
    pub fn find(&self, key: DefaultKey) -> Option<Served> {
        lock(&self.table).get(key).map(Arc::clone)
    }

    /// Removes a connection. Its socket is closed when the last worker that has
    /// looked it up releases it. The timers come first: once the connection is
    /// out of the table, its slot may be reused.
    pub fn remove(&self, key: DefaultKey) {
        lock(&self.timers).cancel(key);
        lock(&self.table).remove(key);
        self.listen_again();
    }

    /// Makes a connection come due at `deadline` or earlier.
    pub fn schedule(&self, key: DefaultKey, deadline: Duration) {
        let mut timers = lock(&self.timers);
        timers.schedule(key, deadline);
        arm(&mut timers);
    }

    /// Enables a connection's events again. If what it waits for is true
    /// already, there is an event at once.
    ///
    /// # Errors
    /// What `epoll_ctl(2)` says of a new one: no memory, or too many.
    pub fn watch(
        &self,
        key: DefaultKey,
        connection: &mut Connection,
    ) -> nix::Result<()> {
        let interest = interest(connection.state);
        let mut event = EpollEvent::new(interest, key.data().as_ffi());
        if connection.watched {
            return self.epoll.modify(&connection.socket, &mut event);
        }
        connection.watched = true;
        self.epoll.add(&connection.socket, event)
    }

    /// Enables a listener's events again.
    pub fn listen(&self, index: usize) {
        let once = EpollFlags::EPOLLIN | EpollFlags::EPOLLONESHOT;
        let mut event = EpollEvent::new(once, index as u64);
        if let Some(listener) = self.listeners.get(index) {
            // It can't fail: it takes no memory, and all of it is open.
            let _ = self.epoll.modify(listener, &mut event);
        }
    }

    /// Enables all listeners, if one of them is paused.
    pub fn listen_again(&self) {
        if self.full.swap(false, Ordering::Relaxed) {
            for index in 0..self.listeners.len() {
                self.listen(index);
            }
        }
    }
}

/// The events that a connection waits for, and no others. Stage 5 registers
/// each connection for all events, because each edge is reported once. Here
/// each registration would report them, and an idle connection always has space
/// in its send buffer.
fn interest(state: State) -> EpollFlags {
    let awaited = match state {
        State::Writing => EpollFlags::EPOLLOUT,
        _ => EpollFlags::EPOLLIN,
    };
    awaited | EpollFlags::EPOLLONESHOT
}

/// Sets the kernel timer to the earliest deadline, if that has changed. A loop
/// does that before it sleeps; here other workers are already asleep.
pub fn arm(timers: &mut Timers) {
    if let Err(error) = timers.arm(None) {
        log::error!("cannot set the timer: {error}");
    }
}

/// Takes a lock. No code panics while it holds one; if it did, the others would
/// continue.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
