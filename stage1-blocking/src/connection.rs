//! One connection, from its first byte to its close, as straight-line code.

use std::io;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;

use crate::context::Context;
use crate::exchange::Exchange;
use crate::http::Status;
use crate::socket;

/// How long a lingering close may take, in seconds.
const LINGER_TIME: u32 = 2;

/// How many bytes a lingering close discards before it gives up.
const LINGER_BYTES: usize = 16 * 1024 * 1024;

/// One connection and its exchange of requests and responses.
pub struct Connection {
    /// The socket; dropping it closes it.
    pub socket: OwnedFd,
    exchange: Exchange,
    discarded: usize,
}

impl Connection {
    /// A newly accepted connection.
    #[must_use]
    pub fn new(socket: OwnedFd, client: IpAddr) -> Self {
        Self { socket, exchange: Exchange::new(client), discarded: 0 }
    }

    /// Serves the client until either side closes the connection.
    pub fn serve(mut self, context: &mut Context) {
        let ended = self.run(context);
        if let Err(error) = ended {
            log::info!("connection closed: {error}");
            self.exchange.end_transfer(context);
        }
    }

    /// Reads once, sends every response that is due, and reads again.
    fn run(&mut self, context: &mut Context) -> io::Result<()> {
        while !self.exchange.is_finished() {
            self.read(context)?;
            self.write(context)?;
            context.trace(&self.socket, &"recv", &"waiting");
        }
        self.begin_lingering_close(context)
    }

    /// Reads once. What `recv` can return:
    ///
    /// * some bytes - part of a request, or several requests;
    /// * 0 - EOF: a half-close; the client may still read;
    /// * EAGAIN - nothing arrived within `SO_RCVTIMEO`;
    /// * EINTR - a signal was handled; try again;
    /// * ECONNRESET and others - the client is gone.
    ///
    /// It nearly always blocks, so the access log is flushed first.
    fn read(&mut self, context: &mut Context) -> io::Result<()> {
        context.log.flush();
        match socket::receive(&self.socket, &mut context.recv_buffer) {
            Ok(0) => self.exchange.end_input(context),
            Ok(count) => self.exchange.receive(count, context),
            Err(Errno::EAGAIN) => {
                self.exchange.end_early(Status::REQUEST_TIMEOUT, context);
            }
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Sends pending output, and responds to requests that had to wait for it,
    /// until every request received has its response. It blocks when the
    /// client reads more slowly than we send.
    fn write(&mut self, context: &mut Context) -> io::Result<()> {
        loop {
            self.exchange.fill_output(context)?;
            let bytes = self.exchange.unsent();
            if bytes.is_empty() {
                return Ok(());
            }
            if self.exchange.transfer.is_some() {
                context.log.flush();
            }
            let bytes = bytes.get(..context.io_limit).unwrap_or(bytes);
            match socket::transmit(&self.socket, bytes) {
                Ok(count) => self.exchange.sent(count, context),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Closes so that the client gets every byte: a lingering close (RFC 9112,
    /// section 9.6). If the client's bytes lie unread when we close, or arrive
    /// later, the kernel sends a reset instead of the rest of the response, and
    /// the client may lose even what it had received. So: shut down the sending
    /// side, discard input until EOF or a limit, and only then close.
    fn begin_lingering_close(
        &mut self,
        context: &mut Context,
    ) -> io::Result<()> {
        context.log.flush();
        if self.exchange.input_ended()
            || socket::shutdown_write(&self.socket).is_err()
        {
            return Ok(());
        }
        self.linger(context)
    }

    fn linger(&mut self, context: &mut Context) -> io::Result<()> {
        socket::set_timeouts(&self.socket, (LINGER_TIME, LINGER_TIME))?;
        let deadline = Instant::now() + Duration::from_secs(LINGER_TIME.into());
        while self.discarded < LINGER_BYTES && Instant::now() < deadline {
            match socket::receive(&self.socket, &mut context.recv_buffer) {
                Err(Errno::EAGAIN) => return Ok(()),
                Err(Errno::EINTR) => {}
                Ok(0) => break,
                Ok(count) => self.discarded += count,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
