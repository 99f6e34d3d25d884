//! Admission: which connections the server takes on.

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

/// The most connections one iteration accepts from each listener. Listeners are
/// level-triggered, so the rest are reported again.
pub(super) const ACCEPT_BUDGET: usize = 64;

/// A table that has held more connections than this is freed once it is empty.
const SHRINK_ABOVE: usize = 1024;

/// The most connections beyond the limit that are being rejected. Each takes up
/// to two seconds, for its lingering close.
const MAX_REJECTING: usize = 64;

impl Server {
    /// Accepts connections from a listener's queue: there may be many.
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
                // With the spare closed, we can accept one more and reject it.
                Accepted::OutOfResources(_)
                    if self.spare_fd.take().is_some() => {}
                // The connection stays in the accept queue and keeps the
                // listener ready, so watching it would spin.
                Accepted::OutOfResources(_) => {
                    self.watch_listeners(false);
                    break;
                }
            }
        }
        Ok(())
    }

    /// Whether we cannot even reject: new clients wait in the accept queue.
    pub(super) fn is_overloaded(&self) -> bool {
        let most = self.context.limits.connections;
        let beyond = MAX_REJECTING.min(most / 8).max(1);
        self.connections.len() >= most.saturating_add(beyond)
    }

    /// Admits a connection, or rejects it with 503 if it is beyond the limit or
    /// took the last descriptor. In the accept queue its client would wait and
    /// not know what for.
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

    /// Frees the memory of a burst of connections once all are gone. New keys
    /// may then equal old ones, but closed descriptors have no events and we
    /// hold none, so no event can reach the wrong connection.
    pub(super) fn shrink(&mut self) {
        let nobody = self.connections.is_empty() && self.events.is_empty();
        if nobody && self.connections.capacity() > SHRINK_ABOVE {
            self.connections = SlotMap::new();
            self.ready = VecDeque::new();
            self.timers.clear();
            limits::release_memory();
        }
    }

    /// After a connection has closed, opens the spare descriptor again and
    /// resumes accepting.
    pub(super) fn resume_accepting(&mut self) {
        if self.spare_fd.is_none() {
            self.spare_fd = spare_descriptor();
        }
        self.watch_listeners(true);
    }
}

/// A descriptor of no use but to be closed when one is needed.
pub(super) fn spare_descriptor() -> Option<OwnedFd> {
    EventFd::from_flags(EfdFlags::EFD_CLOEXEC).ok().map(OwnedFd::from)
}
