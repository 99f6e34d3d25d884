//! One connection, from its first byte to its close: a state machine.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;

use crate::exchange::Exchange;
use crate::socket;
use crate::worker::Worker;

/// How many times one connection may read or send before the others get their
/// turn: a client that sends or reads as fast as we do would never let go.
const TURN: usize = 4;

/// For how many bytes a connection that we close is read from.
const LINGER_BYTES: usize = 16 * 1024 * 1024;

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The rest of a head, or its beginning.
    ReadingHead,
    /// The rest of a request's content.
    ReadingBody,
    /// Room to send what is owed. Meanwhile nothing is read: a client that
    /// asks and does not listen has to wait.
    Writing,
    /// The end of what the client sends, after the end of what we send.
    Draining,
    /// Nothing.
    Closed,
}

/// One connection and the conversation on it.
#[allow(clippy::struct_excessive_bools)] // Each stands for itself.
pub struct Connection {
    socket: OwnedFd,
    exchange: Exchange,
    state: State,
    drained: usize,
    /// Whether `recv` may have something: since the kernel said so, it has
    /// not been found empty.
    readable: bool,
    /// Whether `send` may have room: likewise, it has not been found full.
    writable: bool,
    /// Whether a short count from `recv` may not be the end of what there is.
    more_than_bytes: bool,
    /// Whether it stands in the queue of those that can go on.
    pub queued: bool,
}

impl Connection {
    /// A connection that was just accepted.
    #[must_use]
    pub fn new(socket: OwnedFd, client: IpAddr) -> Self {
        let (exchange, state) = (Exchange::new(client), State::ReadingHead);
        Self {
            socket,
            exchange,
            state,
            drained: 0,
            readable: false,
            writable: true,
            more_than_bytes: false,
            queued: false,
        }
    }

    /// Notes what the kernel has said, and it says each thing only once. That
    /// something was said must be kept until a call has found the contrary:
    /// bytes may come while there are answers to be sent.
    pub fn note(&mut self, readiness: EpollFlags) {
        let broken = EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR;
        let ending = broken | EpollFlags::EPOLLRDHUP;
        self.readable |= readiness.intersects(ending | EpollFlags::EPOLLIN);
        self.writable |= readiness.intersects(broken | EpollFlags::EPOLLOUT);
        self.more_than_bytes |= readiness.intersects(ending);
    }

    /// Whether the call that it waits to make would not sleep, as far as we
    /// know.
    #[must_use]
    pub fn can_advance(&self) -> bool {
        match self.state {
            State::ReadingHead | State::ReadingBody | State::Draining => {
                self.readable
            }
            State::Writing => self.writable,
            State::Closed => false,
        }
    }

    /// What it waits for.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// Goes on as far as it can without sleeping, or until its turn is over.
    pub fn advance(&mut self, worker: &mut Worker) {
        for _ in 0..TURN {
            if !self.can_advance() {
                return;
            }
            let next = match self.state {
                State::ReadingHead | State::ReadingBody => self.read(worker),
                State::Writing => self.write(worker),
                State::Draining => self.drain(worker),
                State::Closed => Ok(State::Closed),
            };
            self.state = next.unwrap_or_else(|error| {
                log::info!("a connection ends: {error}");
                self.exchange.end_transfer(worker);
                State::Closed
            });
        }
    }

    /// Receives what there is, and notes when that was all. A short count says
    /// so as well as EAGAIN would: the queue of a stream was emptied, and what
    /// comes after is a new edge. That is not so when the end of the stream
    /// has been announced: it lies behind the bytes, and will not be announced
    /// again.
    fn receive(&mut self, worker: &mut Worker) -> nix::Result<usize> {
        let received = socket::receive(&self.socket, &mut worker.space);
        self.readable = match received {
            Ok(0) | Err(Errno::EAGAIN) => false,
            Ok(count) => count == worker.space.len() || self.more_than_bytes,
            Err(_) => true,
        };
        received
    }

    /// Reads once. What `recv` can mean:
    ///
    /// * some bytes - any piece of one request or of many;
    /// * 0 - the client sends no more, but may still read (a half-close);
    /// * EAGAIN - there are no bytes (any more);
    /// * EINTR - a signal was handled; nothing has happened;
    /// * ECONNRESET and the rest - there is nobody to talk to any more.
    ///
    /// Answers are sent at once, and not when the socket is found to be
    /// writable: it nearly always is.
    fn read(&mut self, worker: &mut Worker) -> io::Result<State> {
        match self.receive(worker) {
            Ok(0) => self.exchange.end_input(worker),
            Ok(count) => self.exchange.receive(count, worker),
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(self.state),
            Err(error) => return Err(error.into()),
        }
        self.write(worker)
    }

    /// Sends what is owed, and answers what had to wait until there was room,
    /// until all requests received are answered, or there is no room. A short
    /// count says that there is none: the kernel has noted that we want more
    /// than it could take, and will say when there is room again.
    fn write(&mut self, worker: &mut Worker) -> io::Result<State> {
        for _ in 0..TURN {
            self.exchange.load(worker)?;
            let bytes = self.exchange.unsent();
            if bytes.is_empty() {
                return Ok(self.after_output());
            }
            let bytes = bytes.get(..worker.piece).unwrap_or(bytes);
            match socket::transmit(&self.socket, bytes) {
                Ok(count) => {
                    self.writable = count == bytes.len();
                    self.exchange.sent(count, worker);
                }
                Err(Errno::EAGAIN) => self.writable = false,
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
            if !self.writable {
                break;
            }
        }
        Ok(State::Writing)
    }

    /// What comes after the last byte owed.
    fn after_output(&mut self) -> State {
        if self.exchange.is_over() {
            self.end()
        } else if self.exchange.is_in_body() {
            State::ReadingBody
        } else {
            State::ReadingHead
        }
    }

    /// Closes so that the client gets every byte. If bytes that it has sent
    /// lie unread when we close, or come later, the kernel answers with a
    /// reset, and that makes the client's kernel throw away what the client
    /// has not read yet. So: say that we are done, read until the client is
    /// done too, and only then close; bounded, for it may never be done.
    fn end(&self) -> State {
        if self.exchange.input_ended()
            || socket::end_output(&self.socket).is_err()
        {
            return State::Closed;
        }
        State::Draining
    }

    fn drain(&mut self, worker: &mut Worker) -> io::Result<State> {
        match self.receive(worker) {
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Ok(0) => return Ok(State::Closed),
            Ok(count) => self.drained += count,
            Err(error) => return Err(error.into()),
        }
        if self.drained < LINGER_BYTES {
            Ok(State::Draining)
        } else {
            Ok(State::Closed)
        }
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
