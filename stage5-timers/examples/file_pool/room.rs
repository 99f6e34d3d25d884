//! Taking connections in, as long as there is room.

use std::io;
use std::net::IpAddr;
use std::os::fd::OwnedFd;

use nix::sys::epoll::{EpollEvent, EpollFlags};
use stage::connection::Connection;
use stage::socket::{self, Accepted};

use crate::server::{Server, Slot};

/// How many connections one turn accepts at most from each listener.
const ACCEPT_BUDGET: usize = 64;

/// How many connections there may be beyond the limit that are told so.
const MAX_REJECTING: usize = 64;

impl Server {
    /// Takes connections that wait on a listener, which is level-triggered:
    /// those that remain are announced again.
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

    /// Takes in a connection; or tells it that there is no room.
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

    /// Goes on with the listeners, or lets them wait until there is room.
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
