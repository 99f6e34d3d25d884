//! Threads that may sleep, so that the loop does not.

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

/// Connections that may wait for a thread. The loop keeps the others, and reads
/// nothing from their clients.
pub const QUEUE: usize = 64;

/// A connection on its way to the pool or back, and its place in the table.
pub type Turn = (DefaultKey, Connection);

/// What the loop and the threads share.
pub struct Pool {
    queue: Mutex<VecDeque<Turn>>,
    /// Wakes a thread when there is work in the queue.
    queued: Condvar,
    done: Mutex<Vec<Turn>>,
    /// Wakes the loop when there is a connection in `done`.
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

    /// Takes work from `next` for each free place in the queue. Only the loop
    /// adds work, and it never waits for a place.
    pub fn fill(&self, mut next: impl FnMut() -> Option<Turn>) {
        let mut queue = lock(&self.queue);
        while queue.len() < QUEUE
            && let Some(turn) = next()
        {
            queue.push_back(turn);
            self.queued.notify_one();
        }
    }

    /// The connections whose work is finished.
    pub fn take(&self) -> Vec<Turn> {
        mem::take(&mut *lock(&self.done))
    }

    /// The work of one thread, with its own buffers, clock and log. It may
    /// sleep anywhere, because the loop runs elsewhere.
    fn work(&self, mut context: Context) {
        loop {
            let (key, mut connection) = self.next(&mut context.log);
            context.now = timers::now();
            connection.advance(&mut context);
            context.trace(&connection.socket, &"iteration", &connection.state);
            let mut done = lock(&self.done);
            done.push((key, connection));
            // One wake-up is enough for all connections in the list.
            let first = done.len() == 1;
            drop(done);
            if first && let Err(error) = self.wake.write(1) {
                log::error!("cannot wake the loop: {error}");
            }
        }
    }

    /// Waits for work. A thread that may have to sleep writes its log first.
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

/// Under these locks we only move a connection from one list to the other. So
/// no thread holds one for long, and a panic cannot leave them inconsistent.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
