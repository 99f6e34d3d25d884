//! Threads that may sleep, so that the loop need not.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::{mem, thread};

use nix::sys::eventfd::{EfdFlags, EventFd};
use slotmap::DefaultKey;
use stage::access_log::AccessLog;
use stage::config::Config;
use stage::connection::Connection;
use stage::context::Context;
use stage::site::Site;
use stage::timers;

/// How many threads may sleep in a file at once.
pub const THREADS: usize = 4;

/// How many turns may wait for a thread. Those beyond it stay with the loop,
/// and nothing is read from their clients.
pub const QUEUE: usize = 64;

/// A connection on its way to the pool or back, and its place in the table.
pub type Turn = (DefaultKey, Connection);

/// What the loop and the threads share.
pub struct Pool {
    queue: Mutex<VecDeque<Turn>>,
    /// Tells a thread that something has been put into the queue.
    queued: Condvar,
    done: Mutex<Vec<Turn>>,
    /// Tells the loop that something has been put into `done`.
    pub wake: EventFd,
}

impl Pool {
    /// Starts the threads.
    ///
    /// # Errors
    /// What `eventfd(2)` and `clone(2)` say.
    pub fn start(site: &Site, config: &Config) -> io::Result<Arc<Self>> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let pool = Arc::new(Self {
            queue: Mutex::default(),
            queued: Condvar::new(),
            done: Mutex::default(),
            wake: EventFd::from_flags(flags)?,
        });
        for number in 0..THREADS {
            let context = Context::new(site.clone(), config);
            let pool = Arc::clone(&pool);
            let thread = thread::Builder::new().name(format!("pool {number}"));
            thread.spawn(move || pool.work(context))?;
        }
        Ok(pool)
    }

    /// Takes a turn from `next` for each free place in the queue. The loop
    /// alone puts turns in, and never waits for a place.
    pub fn fill(&self, mut next: impl FnMut() -> Option<Turn>) {
        let mut queue = lock(&self.queue);
        while queue.len() < QUEUE
            && let Some(turn) = next()
        {
            queue.push_back(turn);
            self.queued.notify_one();
        }
    }

    /// The turns that are over.
    pub fn take(&self) -> Vec<Turn> {
        mem::take(&mut *lock(&self.done))
    }

    /// What a thread does: turn after turn, with buffers, clock and log of its
    /// own. It may sleep anywhere, for the loop is elsewhere.
    fn work(&self, mut context: Context) {
        loop {
            let (key, mut connection) = self.next(&mut context.log);
            context.now = timers::now();
            connection.advance(&mut context);
            context.trace(&connection.socket, &"turn", &connection.state);
            let mut done = lock(&self.done);
            done.push((key, connection));
            // Who is not the first in the list comes with the first: one
            // wake-up is enough for all of them.
            let first = done.len() == 1;
            drop(done);
            if first && let Err(error) = self.wake.write(1) {
                log::error!("cannot wake the loop: {error}");
            }
        }
    }

    /// Waits for a turn. A thread that may have to sleep writes its log first.
    fn next(&self, log: &mut AccessLog) -> Turn {
        let mut queue = lock(&self.queue);
        if queue.is_empty() {
            drop(queue);
            log.flush();
            queue = lock(&self.queue);
        }
        loop {
            if let Some(turn) = queue.pop_front() {
                return turn;
            }
            let woken = self.queued.wait(queue);
            queue = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Nothing is done under these locks but to move a turn from one list to the
/// other, so nobody holds one for long, and none can be left in disorder.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
