//! One connection, from its first byte to its close, as a state machine.

use std::io;
use std::net::IpAddr;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::poll::PollFlags;

use crate::context::Context;
use crate::exchange::Exchange;
use crate::socket;

/// How many sends one connection may make per iteration: a client that reads
/// as fast as we send would otherwise starve all others.
const BUDGET: usize = 4;

/// How many bytes a lingering close discards before it gives up.
const LINGER_BYTES: usize = 16 * 1024 * 1024;

/// What a connection is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The next bytes of a request head.
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
}

impl Connection {
    /// A newly accepted connection.
    #[must_use]
    pub fn new(socket: OwnedFd, client: IpAddr) -> Self {
        let (exchange, state) = (Exchange::new(client), State::ReadingHead);
        Self { socket, exchange, state, discarded: 0 }
    }

    /// The interest to register. It follows from the state alone, so no state
    /// change can forget to update it. Asking for OUT with nothing to send
    /// would spin, because a socket is nearly always writable.
    #[must_use]
    pub fn interest(&self) -> PollFlags {
        match self.state {
            State::ReadingHead | State::ReadingBody | State::Lingering => {
                PollFlags::POLLIN
            }
            State::Writing => PollFlags::POLLOUT,
            State::Closed => PollFlags::empty(),
        }
    }

    /// Makes as much progress as it can without blocking. Called when the
    /// socket is ready, whatever the event was: the system call we were waiting
    /// to make reports what happened.
    pub fn advance(&mut self, context: &mut Context) {
        let next = match self.state {
            State::ReadingHead | State::ReadingBody => self.read(context),
            State::Writing => self.write(context),
            State::Lingering => self.linger(context),
            State::Closed => Ok(State::Closed),
        };
        self.state = next.unwrap_or_else(|error| {
            log::info!("connection closed: {error}");
            self.exchange.end_transfer(context);
            State::Closed
        });
    }

    /// Reads once: anything left makes the socket ready again. What `recv` can
    /// return:
    ///
    /// * some bytes - part of a request, or several requests;
    /// * 0 - EOF: a half-close; the client may still read;
    /// * EAGAIN - spurious readiness, which select(2) warns about;
    /// * EINTR - a signal was handled; try again;
    /// * ECONNRESET and others - the client is gone.
    ///
    /// Responses are sent at once, without waiting for the socket to be
    /// reported writable: it nearly always is.
    fn read(&mut self, context: &mut Context) -> io::Result<State> {
        match socket::receive(&self.socket, &mut context.recv_buffer) {
            Ok(0) => self.exchange.end_input(context),
            Ok(count) => self.exchange.receive(count, context),
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(self.state),
            Err(error) => return Err(error.into()),
        }
        self.write(context)
    }

    /// Sends pending output, and responds to requests that had to wait for it,
    /// until every request has its response or the send buffer is full.
    fn write(&mut self, context: &mut Context) -> io::Result<State> {
        for _ in 0..BUDGET {
            self.exchange.fill_output(context)?;
            let bytes = self.exchange.unsent();
            if bytes.is_empty() {
                return Ok(self.after_output());
            }
            let bytes = bytes.get(..context.io_limit).unwrap_or(bytes);
            match socket::transmit(&self.socket, bytes) {
                Ok(count) => self.exchange.sent(count, context),
                Err(Errno::EAGAIN) => return Ok(State::Writing),
                Err(Errno::EINTR) => {}
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
        } else {
            State::ReadingHead
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
        while self.discarded < LINGER_BYTES {
            match socket::receive(&self.socket, &mut context.recv_buffer) {
                Err(Errno::EAGAIN) => return Ok(State::Lingering),
                Err(Errno::EINTR) => {}
                Ok(0) => break,
                Ok(count) => self.discarded += count,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(State::Closed)
    }
}
