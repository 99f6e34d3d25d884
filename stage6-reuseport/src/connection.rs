//! One connection, from its first byte to its close, as a state machine.

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

/// How many sends one connection may make per iteration: a client that reads
/// as fast as we send would otherwise starve all others.
const BUDGET: usize = 4;

/// How many bytes a lingering close discards before it gives up.
const LINGER_BYTES: usize = 16 * 1024 * 1024;

/// The events that mean there is something to read.
pub const READABLE: EpollFlags = EpollFlags::EPOLLIN
    .union(EpollFlags::EPOLLPRI)
    .union(EpollFlags::EPOLLRDHUP);

/// What a connection is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The first byte.
    New,
    /// The next request on a kept-alive connection.
    Idle,
    /// The rest of a request head.
    ReadingHead,
    /// The rest of a request body.
    ReadingBody,
    /// Space in the send buffer. Until then we read nothing: that is
    /// backpressure on a client that sends requests but reads no responses.
    Writing,
    /// The client's EOF, after we have shut down our side: a lingering close.
    Lingering,
    /// Nothing: the connection is over.
    Closed,
}

/// One connection and its exchange of requests and responses.
pub struct Connection {
    /// The socket; dropping it closes it.
    pub socket: OwnedFd,
    exchange: Exchange,
    /// What it is waiting for.
    pub state: State,
    discarded: usize,
    /// How long it has waited, and with what progress.
    wait: Wait,
    /// Readiness reported by the kernel and not yet disproved by a call.
    ready: EpollFlags,
    /// Whether it is in the ready queue.
    pub queued: bool,
    /// Whether it is registered with epoll.
    pub watched: bool,
}

impl Connection {
    /// A newly accepted connection.
    #[must_use]
    pub fn new(socket: OwnedFd, client: IpAddr, now: Duration) -> Self {
        let (exchange, state) = (Exchange::new(client), State::New);
        // With TCP_DEFER_ACCEPT the first byte is here already, so we read at
        // once and register with epoll only if more is to come.
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

    /// Records reported readiness. The kernel reports each edge once, perhaps
    /// while we wait for something else: bytes can arrive while we send. So it
    /// must be kept until a call proves otherwise.
    pub fn note_readiness(&mut self, readiness: EpollFlags) {
        self.ready |= readiness;
    }

    /// Whether the call it is waiting to make would not block, as far as we
    /// know. After HUP and ERR no call blocks.
    #[must_use]
    pub fn can_advance(&self) -> bool {
        let broken = EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR;
        self.ready.intersects(self.interest() | broken)
    }

    /// The events that matter now. They follow from the state alone, so no
    /// state change can forget to update them.
    fn interest(&self) -> EpollFlags {
        match self.state {
            State::Writing => EpollFlags::EPOLLOUT,
            State::Closed => EpollFlags::empty(),
            _ => READABLE,
        }
    }

    /// Makes as much progress as it can without blocking, or until its budget
    /// is spent. Called when the socket is ready, whatever the event was: the
    /// system call we were waiting to make reports what happened.
    pub fn advance(&mut self, context: &mut Context) {
        let next = match self.state {
            State::Writing => self.write(context),
            State::Lingering => self.linger(context),
            State::Closed => Ok(State::Closed),
            _ => self.read(context),
        };
        self.transition(next, context);
    }

    /// Receives available bytes, and records when nothing is left. A short
    /// count proves that as well as EAGAIN does and saves a call: the queue was
    /// empty, so later bytes make a new edge. But `recv` also stops short
    /// before EOF and before an urgent byte, whose edges have been reported
    /// already. So RDHUP and PRI stay set until `recv` finds nothing.
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

    /// Reads once: if more is left, the next iteration reads it. What `recv`
    /// can return:
    ///
    /// * some bytes - part of a request, or several requests;
    /// * 0 - EOF: a half-close; the client may still read;
    /// * EAGAIN - there was nothing left;
    /// * EINTR - a signal was handled; try again;
    /// * ECONNRESET and others - the client is gone.
    ///
    /// Responses are sent at once, without waiting for the socket to be
    /// reported writable: it nearly always is.
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

    /// Sends pending output, and responds to requests that had to wait for it,
    /// until every request has its response or the send buffer is full. A short
    /// count proves that too: the kernel will report OUT when there is space.
    fn write(&mut self, context: &mut Context) -> io::Result<State> {
        for _ in 0..BUDGET {
            self.exchange.fill_output(context)?;
            let sent = match self.exchange.outgoing(context.io_limit) {
                Outgoing::Bytes([], _) => return Ok(self.after_output()),
                Outgoing::Bytes(bytes, more) => {
                    socket::transmit(&self.socket, bytes, more)
                        .map(|count| (count, count < bytes.len()))
                }
                // A short count may mean the end of the file, so it does not
                // prove that the send buffer is full.
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
                // The file has been truncated. We promised more bytes than
                // exist, so the client must see a broken connection.
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

    /// The next state, once all output has been sent.
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

    /// Closes so that the client gets every byte: a lingering close (RFC 9112,
    /// section 9.6). If the client's bytes lie unread when we close, or arrive
    /// later, the kernel sends a reset instead of the rest of the response, and
    /// the client may lose even what it had received. So: shut down the sending
    /// side, discard input until EOF or a limit, and only then close.
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
