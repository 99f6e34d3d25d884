//! Taking connections in, as long as there is room.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::os::fd::OwnedFd;

use nix::sys::eventfd::{EfdFlags, EventFd};

use slotmap::SlotMap;

use super::Server;
use crate::connection::Connection;
use crate::limits;
use crate::socket::{self, Accepted};

/// How many connections one turn accepts at most from each listener, which is
/// level-triggered: those that remain are announced again.
pub(super) const ACCEPT_BUDGET: usize = 64;

/// For how many connections memory is kept when there are none.
const SHRINK_ABOVE: usize = 1024;

/// How many connections there may be at most, beyond the limit, that are being
/// told so. It takes each of them two seconds at the longest.
const MAX_REJECTING: usize = 64;

impl Server {
    /// Takes connections that wait on a listener: it may be many.
    pub(super) fn accept_all(
        &mut self,
        index: usize,
        most: usize,
    ) -> io::Result<()> {
        for _ in 0..most {
            let Some(listener) = self.listeners.get(index) else { break };
            if self.is_overloaded() {
                self.watch_listeners(false);
                break;
            }
            match socket::accept(listener)? {
                Accepted::Connection(connection, client) => {
                    self.admit(connection, client);
                }
                Accepted::Aborted(_) => {}
                Accepted::WouldBlock => break,
                // One more, to tell it so.
                Accepted::OutOfResources(_)
                    if self.spare_fd.take().is_some() => {}
                // It stays in the backlog, so the listener stays ready, and
                // to go on asking about it would spin.
                Accepted::OutOfResources(_) => {
                    self.watch_listeners(false);
                    break;
                }
            }
        }
        Ok(())
    }

    /// Whether not even a refusal has room. Who comes now waits in the backlog.
    pub(super) fn is_overloaded(&self) -> bool {
        let most = self.context.limits.connections;
        let beyond = MAX_REJECTING.min(most / 8).max(1);
        self.connections.len() >= most.saturating_add(beyond)
    }

    /// Takes in a connection. One too many, or one that has got the last
    /// descriptor, hears 503: it could be left in the backlog, but then its
    /// client would wait and not know for what.
    pub(super) fn admit(&mut self, socket: OwnedFd, client: IpAddr) {
        if self.shutdown_deadline.is_some() {
            socket::clear_min_ttl(&socket);
        }
        let full = self.connections.len() >= self.context.limits.connections
            || self.spare_fd.is_none();
        let connection = Connection::new(socket, client, self.context.now);
        let key = self.connections.insert(connection);
        if full && let Some(connection) = self.connections.get_mut(key) {
            connection.reject_overload(&mut self.context);
            self.after_event(key, "full");
        } else {
            self.enqueue(key);
        }
    }

    /// Gives back the memory that a crowd has left behind, once all of it has
    /// gone. New keys may then be like old ones; but a descriptor that is
    /// closed has no events, and we hold none, so nobody can mistake them.
    pub(super) fn shrink(&mut self) {
        let nobody = self.connections.is_empty() && self.events.is_empty();
        if nobody && self.connections.capacity() > SHRINK_ABOVE {
            self.connections = SlotMap::new();
            self.ready = VecDeque::new();
            self.timers.clear();
            limits::release_memory();
        }
    }

    /// Sees to what can be done again after a connection has gone: to keep a
    /// descriptor in reserve, and to accept.
    pub(super) fn resume_accepting(&mut self) {
        if self.spare_fd.is_none() {
            self.spare_fd = spare_descriptor();
        }
        self.watch_listeners(true);
    }
}

/// A descriptor of nothing in particular, to be closed when one is needed.
pub(super) fn spare_descriptor() -> Option<OwnedFd> {
    EventFd::from_flags(EfdFlags::EFD_CLOEXEC).ok().map(OwnedFd::from)
}
