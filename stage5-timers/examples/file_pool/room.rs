//! Admission: accepts connections up to the limit.

use std::io;
use std::net::IpAddr;
use std::os::fd::OwnedFd;

use nix::sys::epoll::{EpollEvent, EpollFlags};
use stage::connection::Connection;
use stage::socket::{self, Accepted};

use crate::server::{Server, Slot};

/// The most connections that one iteration accepts from each listener.
const ACCEPT_BUDGET: usize = 64;

/// The most connections beyond the limit that are being rejected.
const MAX_REJECTING: usize = 64;

impl Server {
    /// Accepts connections from a listener. It is level-triggered: the rest are
    /// reported again.
    pub fn accept_all(&mut self, index: usize) -> io::Result<()> {
        let most = self.context.limits.connections;
        let beyond = MAX_REJECTING.min(most / 8).max(1);
        for _ in 0..ACCEPT_BUDGET {
            let Some(listener) = self.listeners.get(index) else { break };
            if self.slots.len() >= most.saturating_add(beyond) {
                self.listen(false);
                break;
            }
            match socket::accept(listener)? {
                Accepted::Connection(socket, client) => {
                    self.admit(socket, client, self.slots.len() >= most);
                }
                Accepted::Aborted(_) => {}
                Accepted::WouldBlock => break,
                Accepted::OutOfResources(_) => {
                    self.listen(false);
                    break;
                }
            }
        }
        Ok(())
    }

    /// Admits a connection, or rejects it with 503.
    fn admit(&mut self, socket: OwnedFd, client: IpAddr, full: bool) {
        let mut connection = Connection::new(socket, client, self.context.now);
        if full {
            connection.reject_overload(&mut self.context);
        }
        let said = EpollFlags::empty();
        let slot = Slot { connection: Some(connection), said };
        let key = self.slots.insert(slot);
        self.settle(key);
    }

    /// Resumes the listeners, or pauses them.
    pub fn listen(&mut self, accepting: bool) {
        if self.accepting == accepting {
            return;
        }
        self.accepting = accepting;
        let interest =
            if accepting { EpollFlags::EPOLLIN } else { EpollFlags::empty() };
        for (listener, token) in self.listeners.iter().zip(0..) {
            let mut event = EpollEvent::new(interest, token);
            // It can't fail: it takes no memory, and all of it is open.
            let _ = self.epoll.modify(listener, &mut event);
        }
    }
}
