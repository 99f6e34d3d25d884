//! What epoll watches.

use nix::sys::epoll::{EpollEvent, EpollFlags};
use slotmap::{DefaultKey, Key};

use super::Server;
use crate::connection::READABLE;

impl Server {
    /// Resumes accepting, or pauses it.
    pub(super) fn watch_listeners(&mut self, accepting: bool) {
        if self.accepting == accepting {
            return;
        }
        self.accepting = accepting;
        let interest =
            if accepting { EpollFlags::EPOLLIN } else { EpollFlags::empty() };
        for (index, listener) in self.listeners.iter().enumerate() {
            let mut event = EpollEvent::new(interest, index as u64);
            // This cannot fail: it needs no memory, and the listener is open.
            let _ = self.epoll.modify(listener, &mut event);
        }
    }

    /// Registers a connection for everything, once and for all. There is
    /// nothing to delete when it ends: a descriptor that is closed leaves the
    /// epoll set, as long as it has no duplicate (epoll(7)).
    pub(super) fn watch(&mut self, key: DefaultKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let interest = READABLE | EpollFlags::EPOLLOUT | EpollFlags::EPOLLET;
        let event = EpollEvent::new(interest, key.data().as_ffi());
        let registered = self.epoll.add(&connection.socket, event);
        // No memory, or the user's limit (ENOSPC). We cannot serve what we
        // cannot watch.
        if let Err(error) = registered {
            log::warn!("cannot watch a connection: {error}");
            self.close(key);
        }
    }
}
