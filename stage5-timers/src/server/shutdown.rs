//! The end of a server: what is under way is finished, and nothing begins.

use std::io::{self, Write};
use std::time::Duration;

use nix::sys::epoll::{EpollEvent, EpollFlags};
use slotmap::DefaultKey;

use super::{STOP, Server};
use crate::connection::READABLE;
use crate::signals::Signals;
use crate::socket;
use crate::stdio::Diagnostics;

/// How long a client may take for the end of its handshake, and for its first
/// byte after that, if it has begun just before the end.
const GRACE_PERIOD: Duration = Duration::from_millis(500);

impl Server {
    /// Has a signal end the loop.
    ///
    /// # Errors
    /// What `epoll_ctl(2)` says.
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

    /// Begins to stop. The listeners stay for a moment, for those who have
    /// begun to connect.
    fn begin_shutdown(&mut self) {
        let now = self.context.now;
        let until = now + self.context.limits.drain;
        self.shutdown_deadline = Some(until);
        self.listeners_close_at = Some(until.min(now + GRACE_PERIOD));
        for listener in &self.listeners {
            socket::quiesce(listener);
        }
        self.responses = self.context.responses;
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
        self.listeners.clear();
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

    /// Cuts off what is left, and tells how it went.
    pub fn report(&mut self) {
        let finished = self.context.responses - self.responses;
        let mut aborted = 0;
        for connection in self.connections.values_mut() {
            if connection.is_busy() {
                connection.abort(&mut self.context);
                aborted += 1;
            }
        }
        self.context.log.flush();
        let name = env!("CARGO_PKG_NAME");
        let line = format!(
            "{name}: stopped: {finished} answers finished, {aborted} cut off\n"
        );
        // Standard error may be closed, and there is nothing else to use.
        let _ = Diagnostics.write_all(line.as_bytes());
    }
}
