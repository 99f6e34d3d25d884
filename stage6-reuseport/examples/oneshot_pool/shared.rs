//! What the workers share, and the locks around it.
//!
//! The lock of a connection is held for a turn, and nobody else wants it,
//! thanks to EPOLLONESHOT. The others are held for a few instructions, and that
//! of the timers now and then for a `timerfd_settime`. Who holds a connection
//! may take one of the others. Nobody who holds one of the others takes
//! anything.

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

/// One epoll and all that it watches.
pub struct Shared {
    pub epoll: Epoll,
    pub listeners: Vec<OwnedFd>,
    /// The owner of all connections. A worker looks one up and lets go of the
    /// table; then it owns the connection as well, for its turn.
    pub table: Mutex<SlotMap<DefaultKey, Served>>,
    pub timers: Mutex<Timers>,
    /// Whether a listener waits until there is room again.
    pub full: AtomicBool,
}

impl Shared {
    /// An epoll with listeners and no connections.
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
        // Edge-triggered, an expiry wakes one worker, and nobody has to read.
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

    /// Forgets a connection. Its socket is closed when the last worker that
    /// has looked it up lets go of it. The timers come first: as soon as the
    /// table has forgotten it, its place may be somebody else's.
    pub fn remove(&self, key: DefaultKey) {
        lock(&self.timers).cancel(key);
        lock(&self.table).remove(key);
        self.listen_again();
    }

    /// Has a connection come due at `deadline` or earlier.
    pub fn schedule(&self, key: DefaultKey, deadline: Duration) {
        let mut timers = lock(&self.timers);
        timers.schedule(key, deadline);
        arm(&mut timers);
    }

    /// Has the kernel speak of a connection once more: at once if what it waits
    /// for is there already.
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

    /// Has the kernel speak of a listener once more.
    pub fn listen(&self, index: usize) {
        let once = EpollFlags::EPOLLIN | EpollFlags::EPOLLONESHOT;
        let mut event = EpollEvent::new(once, index as u64);
        if let Some(listener) = self.listeners.get(index) {
            // It can't fail: it takes no memory, and all of it is open.
            let _ = self.epoll.modify(listener, &mut event);
        }
    }

    /// The same of all listeners, if one of them waits for room.
    pub fn listen_again(&self) {
        if self.full.swap(false, Ordering::Relaxed) {
            for index in 0..self.listeners.len() {
                self.listen(index);
            }
        }
    }
}

/// What a connection waits for, and no more. In stage 5 each connection is
/// registered for everything, since an edge is told once; here it would be told
/// with each registration, and an idle connection always has room to send.
fn interest(state: State) -> EpollFlags {
    let awaited = match state {
        State::Writing => EpollFlags::EPOLLOUT,
        _ => EpollFlags::EPOLLIN,
    };
    awaited | EpollFlags::EPOLLONESHOT
}

/// Tells the kernel the earliest deadline, unless it knows. In a loop that is
/// done before it sleeps; here others sleep already.
pub fn arm(timers: &mut Timers) {
    if let Err(error) = timers.arm(None) {
        log::error!("cannot set the timer: {error}");
    }
}

/// Takes a lock. Nobody panics with one; if somebody did, others would go on.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
