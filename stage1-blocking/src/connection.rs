//! One connection, from its first byte to its close: straight down the page.

use std::io;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;

use crate::context::Context;
use crate::exchange::Exchange;
use crate::http::Status;
use crate::socket;

/// For how many seconds a connection that we close is read from.
const LINGER_TIME: u32 = 2;

/// For how many bytes a connection that we close is read from.
const LINGER_BYTES: usize = 16 * 1024 * 1024;

/// One connection and the conversation on it.
pub struct Connection {
    /// The socket; to drop it closes it.
    pub socket: OwnedFd,
    exchange: Exchange,
    discarded: usize,
}

impl Connection {
    /// A connection that was just accepted.
    #[must_use]
    pub fn new(socket: OwnedFd, client: IpAddr) -> Self {
        Self { socket, exchange: Exchange::new(client), discarded: 0 }
    }

    /// Serves the client until one side ends it.
    pub fn serve(mut self, context: &mut Context) {
        let ended = self.run(context);
        if let Err(error) = ended {
            log::info!("a connection ends: {error}");
            self.exchange.end_transfer(context);
        }
    }

    /// Each turn reads once, and sends all that is owed before it reads again.
    fn run(&mut self, context: &mut Context) -> io::Result<()> {
        while !self.exchange.is_finished() {
            self.read(context)?;
            self.write(context)?;
            context.trace(&self.socket, &"recv", &"waiting");
        }
        self.begin_lingering_close(context)
    }

    /// Reads once. What `recv` can mean:
    ///
    /// * some bytes - any piece of one request or of many;
    /// * 0 - the client sends no more, but may still read (a half-close);
    /// * EAGAIN - nothing has come for as long as `SO_RCVTIMEO` says;
    /// * EINTR - a signal was handled; nothing has happened;
    /// * ECONNRESET and the rest - there is nobody to talk to any more.
    ///
    /// Nearly always it sleeps, so the access log is written first.
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

    /// Sends what is owed, and answers what had to wait until there was room,
    /// until all requests received are answered. It sleeps when the client
    /// reads more slowly than we send.
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

    /// Closes so that the client gets every byte. If bytes that it has sent
    /// lie unread when we close, or come later, the kernel sends a reset in
    /// place of what it had still to send, and some clients' kernels throw
    /// away what has come before. So: say that we are done, read until the
    /// client is done too, and only then close. How much is read has a limit.
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
