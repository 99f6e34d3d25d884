//! One connection, from its first byte to its close: a state machine.

mod wait;

use std::io;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;

use self::wait::Wait;
use crate::context::Context;
use crate::exchange::Exchange;
use crate::socket;
use crate::transfer::{Outgoing, Transfer};

/// How many times one connection may send before the others get their turn: a
/// client that reads as fast as we send would never let go of us.
const BUDGET: usize = 4;

/// For how many bytes a connection that we close is read from.
const LINGER_BYTES: usize = 16 * 1024 * 1024;

/// What the kernel may say when there is something to read.
pub const READABLE: EpollFlags = EpollFlags::EPOLLIN
    .union(EpollFlags::EPOLLPRI)
    .union(EpollFlags::EPOLLRDHUP);

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The first byte of all.
    New,
    /// The next request.
    Idle,
    /// The rest of a head.
    ReadingHead,
    /// The rest of a request's content.
    ReadingBody,
    /// Room to send what is owed. Meanwhile nothing is read: a client that
    /// asks and does not listen has to wait.
    Writing,
    /// The end of what the client sends, after the end of what we send.
    Lingering,
    /// Nothing.
    Closed,
}

/// One connection and the conversation on it.
pub struct Connection {
    /// The socket; to drop it closes it.
    pub socket: OwnedFd,
    exchange: Exchange,
    /// What it waits for.
    pub state: State,
    discarded: usize,
    /// How long it has been waiting for that.
    wait: Wait,
    /// What the kernel has said, and no call has found untrue since.
    ready: EpollFlags,
    /// Whether it stands in the queue of those that can go on.
    pub queued: bool,
    /// Whether the kernel has been told to watch it.
    pub watched: bool,
}

impl Connection {
    /// A connection that was just accepted.
    #[must_use]
    pub fn new(socket: OwnedFd, client: IpAddr, now: Duration) -> Self {
        let (exchange, state) = (Exchange::new(client), State::New);
        // The kernel has kept it until its first byte came (TCP_DEFER_ACCEPT),
        // so it is read from at once.
        let (ready, wait) = (EpollFlags::EPOLLIN, Wait::new(now));
        let (discarded, queued, watched) = (0, false, false);
        Self {
            socket,
            exchange,
            state,
            discarded,
            wait,
            ready,
            queued,
            watched,
        }
    }

    /// Notes what the kernel has said. It says each thing once, and perhaps at
    /// a time when we wait for another: bytes may come while answers are being
    /// sent. So it must be kept until a call has found the contrary.
    pub fn note_readiness(&mut self, readiness: EpollFlags) {
        self.ready |= readiness;
    }

    /// Whether the call that it waits to make would not sleep, as far as we
    /// know. After HUP and ERR no call would.
    #[must_use]
    pub fn can_advance(&self) -> bool {
        let broken = EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR;
        self.ready.intersects(self.interest() | broken)
    }

    /// What matters of all that the kernel says. It follows from the state and
    /// from nothing else, so it can't be forgotten when the state changes.
    fn interest(&self) -> EpollFlags {
        match self.state {
            State::Writing => EpollFlags::EPOLLOUT,
            State::Closed => EpollFlags::empty(),
            _ => READABLE,
        }
    }

    /// Goes on as far as it can without sleeping, or until its turn is over. To
    /// be called when the socket is ready, for whatever reason: the call that
    /// we have been waiting to make tells what the reason is.
    pub fn advance(&mut self, context: &mut Context) {
        let next = match self.state {
            State::Writing => self.write(context),
            State::Lingering => self.linger(context),
            State::Closed => Ok(State::Closed),
            _ => self.read(context),
        };
        self.transition(next, context);
    }

    /// Receives what there is, and notes when that was all. A short count says
    /// so as well as EAGAIN would, and saves a call: the queue was emptied, and
    /// what comes later will be said. But a short count also stands before the
    /// end and before an urgent byte, and what is behind these has been said
    /// already. So RDHUP and PRI stand until `recv` has found nothing more.
    fn receive(&mut self, context: &mut Context) -> nix::Result<usize> {
        let received = socket::receive(&self.socket, &mut context.recv_buffer);
        match received {
            Ok(0) | Err(Errno::EAGAIN) => {
                self.ready -= READABLE;
            }
            Ok(count) if count < context.recv_buffer.len() => {
                self.ready -= EpollFlags::EPOLLIN;
            }
            Ok(_) | Err(_) => {}
        }
        received
    }

    /// Reads once: if there is more, it gets another turn. What `recv` can
    /// mean:
    ///
    /// * some bytes - any piece of one request or of many;
    /// * 0 - the client sends no more, but may still read (a half-close);
    /// * EAGAIN - there was no more after all;
    /// * EINTR - a signal was handled; nothing has happened;
    /// * ECONNRESET and the rest - there is nobody to talk to any more.
    ///
    /// Answers are sent at once, and not when the socket is found to be
    /// writable: it nearly always is.
    fn read(&mut self, context: &mut Context) -> io::Result<State> {
        match self.receive(context) {
            Ok(0) => self.exchange.end_input(context),
            Ok(count) => {
                self.wait.record(count, context.now);
                self.exchange.receive(count, context);
            }
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(self.state),
            Err(error) => return Err(error.into()),
        }
        self.write(context)
    }

    /// Sends what is owed, and answers what had to wait until there was room,
    /// until all requests received are answered, or there is no room. Here too
    /// a short count says so: the kernel has noted that we have more for it.
    fn write(&mut self, context: &mut Context) -> io::Result<State> {
        for _ in 0..BUDGET {
            self.exchange.fill_output(context)?;
            let sent = match self.exchange.outgoing(context.io_limit) {
                Outgoing::Bytes([], _) => return Ok(self.after_output()),
                Outgoing::Bytes(bytes, more) => {
                    socket::transmit(&self.socket, bytes, more)
                        .map(|count| (count, count < bytes.len()))
                }
                // The file may have ended: a short count says nothing.
                Outgoing::File(Transfer {
                    found, offset, remaining, ..
                }) => {
                    let most =
                        usize::try_from(*remaining).unwrap_or(usize::MAX);
                    let most = most.min(context.io_limit);
                    socket::send_file(&self.socket, &found.file, *offset, most)
                        .map(|count| (count, false))
                }
            };
            match sent {
                // The file has become shorter. Nothing can be sent in place of
                // what is missing: the client must see a broken end.
                Ok((0, _)) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok((count, full)) => {
                    self.wait.sent += count as u64;
                    self.exchange.sent(count, context);
                    if full {
                        self.ready -= EpollFlags::EPOLLOUT;
                        return Ok(State::Writing);
                    }
                }
                Err(Errno::EAGAIN) => {
                    self.ready -= EpollFlags::EPOLLOUT;
                    return Ok(State::Writing);
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EINVAL | Errno::ENOSYS)
                    if self.exchange.fall_back_to_copy() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(State::Writing)
    }

    /// What comes after the last byte owed.
    fn after_output(&mut self) -> State {
        if self.exchange.is_finished() {
            self.begin_lingering_close()
        } else if self.exchange.is_in_body() {
            State::ReadingBody
        } else if self.exchange.is_in_head() {
            State::ReadingHead
        } else {
            State::Idle
        }
    }

    /// Closes so that the client gets every byte. If bytes that it has sent
    /// lie unread when we close, or come later, the kernel sends a reset in
    /// place of what it had still to send, and some clients' kernels throw
    /// away what has come before. So: say that we are done, read until the
    /// client is done too, and only then close. How much is read has a limit.
    fn begin_lingering_close(&self) -> State {
        if self.exchange.input_ended()
            || socket::shutdown_write(&self.socket).is_err()
        {
            return State::Closed;
        }
        State::Lingering
    }

    fn linger(&mut self, context: &mut Context) -> io::Result<State> {
        for _ in 0..BUDGET {
            match self.receive(context) {
                Err(Errno::EAGAIN) => break,
                Err(Errno::EINTR) => {}
                Ok(0) => return Ok(State::Closed),
                Ok(count) => self.discarded += count,
                Err(error) => return Err(error.into()),
            }
        }
        let enough = self.discarded >= LINGER_BYTES;
        Ok(if enough { State::Closed } else { State::Lingering })
    }
}
