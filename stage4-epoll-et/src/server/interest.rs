//! What the kernel is told to watch.

use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};
use slotmap::{DefaultKey, Key, SlotMap};

use super::Server;
use crate::connection::{Connection, READABLE};

impl Server {
    /// Goes on with the listeners, or lets them wait.
    pub(super) fn watch_listeners(&mut self, accepting: bool) {
        if self.accepting == accepting {
            return;
        }
        self.accepting = accepting;
        let interest =
            if accepting { EpollFlags::EPOLLIN } else { EpollFlags::empty() };
        for (index, listener) in self.listeners.iter().enumerate() {
            let mut event = EpollEvent::new(interest, index as u64);
            // It can't fail: it takes no memory, and all of it is open.
            let _ = self.epoll.modify(listener, &mut event);
        }
    }
}

/// Tells the kernel what a connection waits for: everything, once and for all.
/// A descriptor that is closed leaves the epoll set by itself, as long as
/// nobody has a duplicate of it (epoll(7)): nobody has, so there is nothing to
/// delete.
pub(super) fn watch(
    epoll: &Epoll,
    connections: &mut SlotMap<DefaultKey, Connection>,
    key: DefaultKey,
) {
    let Some(connection) = connections.get_mut(key) else { return };
    let interest = READABLE | EpollFlags::EPOLLOUT | EpollFlags::EPOLLET;
    let event = EpollEvent::new(interest, key.data().as_ffi());
    // No memory, or too many watches (ENOSPC). What can't be watched can't be
    // served.
    if let Err(error) = epoll.add(&connection.socket, event) {
        log::warn!("cannot watch a connection: {error}");
        connections.remove(key);
    }
}
