//! The end of a server: what is under way is finished, and nothing begins.

use std::io;
use std::time::Duration;

use nix::sys::epoll::{EpollEvent, EpollFlags};
use slotmap::DefaultKey;

use super::{REOPEN, STOP, Server};
use crate::connection::READABLE;
use crate::signals::Orders;
use crate::socket::{self, steering};

/// How long a client may take for the end of its handshake, and for its first
/// byte after that, if it has begun just before the end.
const GRACE_PERIOD: Duration = Duration::from_millis(500);

/// What a loop has done.
#[derive(Debug, Default, Clone, Copy)]
pub struct Counters {
    /// How many connections it has accepted.
    pub connections: u64,
    /// How many requests it has answered.
    pub requests: u64,
    /// How many of them after it was told to stop.
    pub finished: u64,
    /// How many it has broken off at the end.
    pub aborted: u64,
}

impl Server {
    /// Has the loop obey orders, which come as events.
    ///
    /// # Errors
    /// Those of `epoll_ctl(2)`.
    pub fn watch_orders(&mut self, orders: &Orders) -> io::Result<()> {
        let interest = EpollFlags::EPOLLIN | EpollFlags::EPOLLET;
        self.epoll.add(&orders.stop, EpollEvent::new(interest, STOP))?;
        self.epoll.add(&orders.reopen, EpollEvent::new(interest, REOPEN))?;
        Ok(())
    }

    /// Begins to stop. The listeners stay for a moment, for those who have
    /// begun to connect. The others go to the listeners of another server, if
    /// one has joined us: to replace a server, start the new one, then stop the
    /// old one.
    pub(super) fn begin_shutdown(&mut self) {
        let now = self.context.now;
        let until = now + self.context.limits.drain;
        self.shutdown_deadline = Some(until);
        self.listeners_close_at = Some(until.min(now + GRACE_PERIOD));
        for listener in &self.listeners {
            steering::to_successor(listener, self.context.limits.loops);
            socket::quiesce(listener);
        }
        self.counters.finished = self.context.responses;
        // Every answer from now on says that it is the last.
        self.context.limits.requests = 0;
        self.context.limits.first_byte = GRACE_PERIOD;
        // A request may have come in on a connection that looks idle, and we
        // have not been told yet. To find out costs each of them one `recv`.
        let keys: Vec<DefaultKey> = self.connections.keys().collect();
        for key in keys {
            if let Some(connection) = self.connections.get_mut(key) {
                connection.note_readiness(READABLE);
            }
            self.enqueue(key);
        }
    }

    /// Closes the listeners, if it is time. Who is in the backlog believes to
    /// be connected, and may have sent a request; to close the listener would
    /// reset them. So they are accepted first.
    ///
    /// # Errors
    /// If a listener is no listener any more.
    pub(super) fn close_listeners(&mut self) -> io::Result<()> {
        if self.listeners_close_at.is_none_or(|listeners_close_at| {
            self.context.now < listeners_close_at
        }) {
            return Ok(());
        }
        self.listeners_close_at = None;
        for index in 0..self.listeners.len() {
            self.accept_all(index, usize::MAX)?;
        }
        for listener in self.listeners.drain(..) {
            // The program would go on with the listeners that stay.
            steering::by_hash(&listener);
        }
        Ok(())
    }

    /// Whether all is done that was to be done before stopping, or the time
    /// for it is over.
    #[must_use]
    pub fn has_stopped(&self) -> bool {
        self.shutdown_deadline.is_some_and(|until| {
            self.listeners.is_empty() && self.connections.is_empty()
                || self.context.now >= until
        })
    }

    /// Cuts off what is left, and counts.
    #[must_use]
    pub fn finish(mut self) -> Counters {
        self.counters.finished =
            self.context.responses - self.counters.finished;
        for connection in self.connections.values_mut() {
            if connection.is_busy() {
                connection.abort(&mut self.context);
                self.counters.aborted += 1;
            }
        }
        self.counters.requests = self.context.responses;
        self.context.log.flush();
        self.counters
    }
}
