//! One connection, from its first byte to its close: a state machine.

use std::io;
use std::net::IpAddr;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;

use crate::context::Context;
use crate::exchange::Exchange;
use crate::socket;

/// How many times one connection may send before the others get their turn: a
/// client that reads as fast as we send would never let go of us.
const BUDGET: usize = 4;

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
    /// What the kernel was last told to watch for.
    pub registered: EpollFlags,
}

impl Connection {
    /// A connection that was just accepted.
    #[must_use]
    pub fn new(socket: OwnedFd, client: IpAddr) -> Self {
        let (exchange, state) = (Exchange::new(client), State::ReadingHead);
        let registered = EpollFlags::empty();
        Self { socket, exchange, state, discarded: 0, registered }
    }

    /// What to ask the kernel about. It follows from the state and from
    /// nothing else, so it can't be forgotten when the state changes. To ask
    /// for OUT with nothing to send would spin: there is nearly always room.
    /// To ask for RDHUP without reading would spin too, after a half-close:
    /// level-triggered means that it is said again and again.
    #[must_use]
    pub fn interest(&self) -> EpollFlags {
        match self.state {
            State::ReadingHead | State::ReadingBody | State::Lingering => {
                EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP
            }
            State::Writing => EpollFlags::EPOLLOUT,
            State::Closed => EpollFlags::empty(),
        }
    }

    /// Goes on as far as it can without sleeping. To be called when the
    /// socket is ready, for whatever reason: the call that we have been
    /// waiting to make tells what the reason is.
    pub fn advance(&mut self, context: &mut Context) {
        let next = match self.state {
            State::ReadingHead | State::ReadingBody => self.read(context),
            State::Writing => self.write(context),
            State::Lingering => self.linger(context),
            State::Closed => Ok(State::Closed),
        };
        self.state = next.unwrap_or_else(|error| {
            log::info!("a connection ends: {error}");
            self.exchange.end_transfer(context);
            State::Closed
        });
    }

    /// Reads once: what is left will make the socket ready again. What `recv`
    /// can mean:
    ///
    /// * some bytes - any piece of one request or of many;
    /// * 0 - the client sends no more, but may still read (a half-close);
    /// * EAGAIN - a false alarm, which select(2) warns of;
    /// * EINTR - a signal was handled; nothing has happened;
    /// * ECONNRESET and the rest - there is nobody to talk to any more.
    ///
    /// Answers are sent at once, and not when the socket is found to be
    /// writable: it nearly always is.
    fn read(&mut self, context: &mut Context) -> io::Result<State> {
        match socket::receive(&self.socket, &mut context.recv_buffer) {
            Ok(0) => self.exchange.end_input(context),
            Ok(count) => self.exchange.receive(count, context),
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(self.state),
            Err(error) => return Err(error.into()),
        }
        self.write(context)
    }

    /// Sends what is owed, and answers what had to wait until there was room,
    /// until all requests received are answered, or there is no room.
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

    /// What comes after the last byte owed.
    fn after_output(&mut self) -> State {
        if self.exchange.is_finished() {
            self.begin_lingering_close()
        } else if self.exchange.is_in_body() {
            State::ReadingBody
        } else {
            State::ReadingHead
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
