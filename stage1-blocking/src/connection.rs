//! One connection, from its first byte to its close: straight down the page.

use std::io;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;

use crate::exchange::Exchange;
use crate::http::Status;
use crate::socket;
use crate::worker::Worker;

/// For how many seconds a connection that we close is read from.
const LINGER_TIME: u32 = 2;

/// For how many bytes a connection that we close is read from.
const LINGER_BYTES: usize = 16 * 1024 * 1024;

/// One connection and the conversation on it.
pub struct Connection {
    /// The socket; to drop it closes it.
    pub socket: OwnedFd,
    exchange: Exchange,
    drained: usize,
}

impl Connection {
    /// A connection that was just accepted.
    #[must_use]
    pub fn new(socket: OwnedFd, client: IpAddr) -> Self {
        Self { socket, exchange: Exchange::new(client), drained: 0 }
    }

    /// Serves the client until one side ends it.
    pub fn serve(mut self, worker: &mut Worker) {
        let ended = self.converse(worker);
        if let Err(error) = ended {
            log::info!("a connection ends: {error}");
            self.exchange.end_transfer(worker);
        }
    }

    /// Each turn reads once, and sends all that is owed before it reads again.
    fn converse(&mut self, worker: &mut Worker) -> io::Result<()> {
        while !self.exchange.is_over() {
            self.read(worker)?;
            self.write(worker)?;
            worker.narrate(&self.socket, &"recv", &"waiting");
        }
        self.end(worker)
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
    fn read(&mut self, worker: &mut Worker) -> io::Result<()> {
        worker.log.flush();
        match socket::receive(&self.socket, &mut worker.space) {
            Ok(0) => self.exchange.end_input(worker),
            Ok(count) => self.exchange.receive(count, worker),
            Err(Errno::EAGAIN) => {
                self.exchange.cut_short(Status::REQUEST_TIMEOUT, worker);
            }
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Sends what is owed, and answers what had to wait until there was room,
    /// until all requests received are answered. It sleeps when the client
    /// reads more slowly than we send.
    fn write(&mut self, worker: &mut Worker) -> io::Result<()> {
        loop {
            self.exchange.load(worker)?;
            let bytes = self.exchange.unsent();
            if bytes.is_empty() {
                return Ok(());
            }
            if self.exchange.transfer.is_some() {
                worker.log.flush();
            }
            let bytes = bytes.get(..worker.piece).unwrap_or(bytes);
            match socket::transmit(&self.socket, bytes) {
                Ok(count) => self.exchange.sent(count, worker),
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
    fn end(&mut self, worker: &mut Worker) -> io::Result<()> {
        worker.log.flush();
        if self.exchange.input_ended()
            || socket::end_output(&self.socket).is_err()
        {
            return Ok(());
        }
        self.drain(worker)
    }

    fn drain(&mut self, worker: &mut Worker) -> io::Result<()> {
        socket::set_timeouts(&self.socket, (LINGER_TIME, LINGER_TIME))?;
        let deadline = Instant::now() + Duration::from_secs(LINGER_TIME.into());
        while self.drained < LINGER_BYTES && Instant::now() < deadline {
            match socket::receive(&self.socket, &mut worker.space) {
                Err(Errno::EAGAIN) => return Ok(()),
                Err(Errno::EINTR) => {}
                Ok(0) => break,
                Ok(count) => self.drained += count,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
