//! Graceful shutdown: finish requests in flight, begin nothing new.

use std::io;
use std::time::Duration;

use nix::sys::epoll::{EpollEvent, EpollFlags};
use slotmap::DefaultKey;

use super::{STOP, Server};
use crate::connection::READABLE;
use crate::signals::Signals;
use crate::socket;

/// How long a client that began its handshake just before the shutdown may take
/// to complete it, and then to send its first byte.
const GRACE_PERIOD: Duration = Duration::from_millis(500);

/// What the loop has done.
#[derive(Debug, Default, Clone, Copy)]
pub struct Counters {
    /// Responses finished during the shutdown.
    pub finished: u64,
    /// Responses aborted at its end.
    pub aborted: u64,
}

impl Server {
    /// Makes the loop handle signals.
    ///
    /// # Errors
    /// Those of `epoll_ctl(2)`.
    pub fn watch_stop(&mut self, signals: Signals) -> io::Result<()> {
        let event = EpollEvent::new(EpollFlags::EPOLLIN, STOP);
        self.epoll.add(signals.fd(), event)?;
        self.signals = Some(signals);
        Ok(())
    }

    /// Does what pending signals ask for.
    pub(super) fn read_signals(&mut self) -> io::Result<()> {
        let Some(signals) = &self.signals else { return Ok(()) };
        let asked = signals.read()?;
        if asked.reopen {
            self.context.reopen_root();
        }
        if asked.stop {
            self.signals = None;
            self.begin_shutdown();
        }
        Ok(())
    }

    /// Begins the shutdown. The listeners stay open for a moment, for clients
    /// that have begun to connect.
    fn begin_shutdown(&mut self) {
        let now = self.context.now;
        let until = now + self.context.limits.drain;
        self.shutdown_deadline = Some(until);
        self.listeners_close_at = Some(until.min(now + GRACE_PERIOD));
        for listener in &self.listeners {
            socket::quiesce(listener);
        }
        self.counters.finished = self.context.responses;
        // From now on every response is the last of its connection.
        self.context.limits.requests = 0;
        self.context.limits.first_byte = GRACE_PERIOD;
        // A connection that looks idle may have received a request that has not
        // been reported yet. Claiming that all are readable makes one `recv` on
        // each find out.
        let keys: Vec<DefaultKey> = self.connections.keys().collect();
        for key in keys {
            if let Some(connection) = self.connections.get_mut(key) {
                connection.note_readiness(READABLE);
            }
            self.enqueue(key);
        }
    }

    /// Closes the listeners when it is time. Clients in the accept queue
    /// believe they are connected, and may have sent a request; closing the
    /// listener would reset them. So we accept them first.
    ///
    /// # Errors
    /// If a listener fails.
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
        self.listeners.clear();
        Ok(())
    }

    /// Whether the shutdown is complete, or its time is up.
    #[must_use]
    pub fn has_stopped(&self) -> bool {
        self.shutdown_deadline.is_some_and(|until| {
            self.listeners.is_empty() && self.connections.is_empty()
                || self.context.now >= until
        })
    }

    /// Aborts the responses still in flight, and returns the counts.
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
        self.context.log.flush();
        self.counters
    }
}
