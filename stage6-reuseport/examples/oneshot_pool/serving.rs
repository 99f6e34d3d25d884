//! The work of each worker.

use std::io;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use nix::errno::Errno;
use nix::sys::epoll::{EpollEvent, EpollTimeout};
use slotmap::{DefaultKey, KeyData};
use stage5::connection::{Connection, State};
use stage5::context::Context;
use stage5::socket::{self, Accepted};
use stage5::timers;

use crate::shared::{Shared, TIMER, arm, lock};

/// How many events a worker takes at a time. Events that it has taken wait for
/// it, although other workers may be idle, so it is one.
const MAX_EVENTS: usize = 1;

/// The most connections accepted per event.
const ACCEPT_BUDGET: usize = 64;

/// The most connections beyond the limit that are being rejected.
const MAX_REJECTING: usize = 64;

/// The longest wait, in milliseconds, for another process to free a descriptor.
const ACCEPT_RETRY_MS: u16 = 1000;

impl Shared {
    /// Serves until a listener fails.
    ///
    /// # Errors
    /// What `epoll_wait(2)` and `accept4(2)` say then.
    pub fn work(&self, mut context: Context) -> io::Result<()> {
        let mut list = [EpollEvent::empty(); MAX_EVENTS];
        loop {
            let mut count = self.wait(&mut list, EpollTimeout::ZERO)?;
            if count == 0 {
                // About to sleep.
                context.log.flush();
                let again = EpollTimeout::from(ACCEPT_RETRY_MS);
                let full = self.full.load(Ordering::Relaxed);
                let patience = if full { again } else { EpollTimeout::NONE };
                count = self.wait(&mut list, patience)?;
            }
            context.now = timers::now();
            if count == 0 {
                self.listen_again();
            }
            for event in list.iter().take(count) {
                self.handle(event.data(), &mut context)?;
            }
        }
    }

    fn wait(
        &self,
        list: &mut [EpollEvent],
        patience: EpollTimeout,
    ) -> nix::Result<usize> {
        match self.epoll.wait(list, patience) {
            Err(Errno::EINTR) => Ok(0),
            other => other,
        }
    }

    /// Handles one event, which no other worker has got.
    fn handle(&self, token: u64, context: &mut Context) -> io::Result<()> {
        let listener = usize::try_from(token).unwrap_or(usize::MAX);
        if token == TIMER {
            self.expire(context);
        } else if listener < self.listeners.len() {
            self.accept_all(listener, context)?;
        } else {
            let key = KeyData::from_ffi(token).into();
            self.serve(key, Connection::advance, context);
        }
        Ok(())
    }

    /// Lets a connection make progress, and then passes it on to the next
    /// worker.
    fn serve(
        &self,
        key: DefaultKey,
        work: fn(&mut Connection, &mut Context),
        context: &mut Context,
    ) {
        // It may already be closed, by its deadline or by another worker.
        let Some(served) = self.find(key) else { return };
        let mut connection = lock(&served);
        work(&mut connection, context);
        self.settle(key, &mut connection, context);
    }

    /// Follows up on anything done with a connection. Enabling its entry again
    /// comes last: from then on it belongs to the next worker.
    fn settle(
        &self,
        key: DefaultKey,
        connection: &mut Connection,
        context: &mut Context,
    ) {
        context.trace(&connection.socket, &"iteration", &connection.state);
        if connection.state == State::Closed {
            return self.remove(key);
        }
        self.schedule(key, connection.deadline(&context.limits));
        if let Err(error) = self.watch(key, connection) {
            log::warn!("cannot watch a connection: {error}");
            self.remove(key);
        }
    }

    /// Handles expired deadlines.
    fn expire(&self, context: &mut Context) {
        lock(&self.timers).fired();
        loop {
            // A separate statement, so that the lock is released here.
            let due = lock(&self.timers).pop_due(context.now);
            let Some(key) = due else { break };
            self.serve(key, late, context);
        }
        arm(&mut lock(&self.timers));
    }

    /// Accepts connections from a listener. It has EPOLLONESHOT too: one worker
    /// accepts, and a new client does not wake them all.
    fn accept_all(
        &self,
        index: usize,
        context: &mut Context,
    ) -> io::Result<()> {
        let Some(listener) = self.listeners.get(index) else { return Ok(()) };
        let most = context.limits.connections;
        let beyond = MAX_REJECTING.min(most / 8).max(1);
        for _ in 0..ACCEPT_BUDGET {
            let count = lock(&self.table).len();
            let overloaded = count >= most.saturating_add(beyond);
            let accepted = if overloaded {
                Accepted::OutOfResources(Errno::EMFILE)
            } else {
                socket::accept(listener)?
            };
            match accepted {
                Accepted::Connection(socket, client) => {
                    self.admit(socket, client, count >= most, context);
                }
                Accepted::Aborted(_) => {}
                Accepted::WouldBlock => break,
                // The listener stays disabled.
                Accepted::OutOfResources(_) => {
                    self.full.store(true, Ordering::Relaxed);
                    return Ok(());
                }
            }
        }
        self.listen(index);
        Ok(())
    }

    /// Admits a connection, or rejects it with 503.
    fn admit(
        &self,
        socket: OwnedFd,
        client: IpAddr,
        full: bool,
        context: &mut Context,
    ) {
        let mut connection = Connection::new(socket, client, context.now);
        if full {
            connection.reject_overload(context);
        }
        let served = Arc::new(Mutex::new(connection));
        // A worker that gets an event before we are done waits for this lock.
        let mut connection = lock(&served);
        let key = lock(&self.table).insert(Arc::clone(&served));
        self.settle(key, &mut connection, context);
    }
}

/// Handles the deadline of one connection. The connection may advance first:
/// its client may have been in time, and its event may be with a worker that
/// has not got to it yet. A single loop handles its events before its
/// deadlines, and has no such case.
fn late(connection: &mut Connection, context: &mut Context) {
    connection.advance(context);
    connection.expire(context);
}
