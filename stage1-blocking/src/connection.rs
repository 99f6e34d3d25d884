//! One connection, from its first byte to its close: straight down the page.

use std::io;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::MsgFlags;

use crate::access_log::AccessLog;
use crate::exchange::Exchange;
use crate::http::Status;
use crate::socket;
use crate::worker::Worker;

/// How long, and for how many bytes, a connection that we close is read from.
const LINGER_TIME: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 16 * 1024 * 1024;

/// One connection and the conversation on it.
pub struct Connection {
    socket: OwnedFd,
    exchange: Exchange,
}

impl Connection {
    /// A connection that was just accepted.
    #[must_use]
    pub fn new(socket: OwnedFd, client: IpAddr) -> Self {
        Self { socket, exchange: Exchange::new(client) }
    }

    /// Serves the client until one side ends it.
    ///
    /// Each turn sends all that is owed before it waits for more: the client
    /// may be waiting for just that. What `recv` can mean:
    ///
    /// * some bytes - any piece of one request or of many;
    /// * 0 - the client sends no more, but may still read (a half-close);
    /// * EAGAIN - nothing has come for `SO_RCVTIMEO`;
    /// * EINTR - a signal was handled; nothing has happened;
    /// * ECONNRESET and the rest - there is nobody to talk to any more.
    pub fn serve(mut self, worker: &mut Worker) {
        loop {
            if let Err(error) = self.send_all(worker) {
                log::info!("cannot send: {error}");
                return self.exchange.end_transfer(worker);
            }
            if self.exchange.is_over() {
                return self.close(worker);
            }
            let Worker { log, space, .. } = worker;
            match willing_to_sleep(log, |flags| {
                socket::receive(&self.socket, space, flags)
            }) {
                Ok(0) => self.exchange.end_input(worker),
                Ok(count) => self.exchange.receive(count, worker),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => {
                    self.exchange.cut_short(Status::REQUEST_TIMEOUT, worker);
                }
                Err(error) => return log::info!("cannot receive: {error}"),
            }
        }
    }

    /// Sends what is owed, and answers what had to wait until there was room,
    /// until all requests received are answered.
    fn send_all(&mut self, worker: &mut Worker) -> io::Result<()> {
        loop {
            self.exchange.load(worker)?;
            let bytes = self.exchange.unsent();
            if bytes.is_empty() {
                return Ok(());
            }
            let bytes = bytes.get(..worker.piece).unwrap_or(bytes);
            match willing_to_sleep(&mut worker.log, |flags| {
                socket::transmit(&self.socket, bytes, flags)
            }) {
                Ok(count) => self.exchange.sent(count, worker),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Closes so that the client gets every byte. If bytes that it has sent
    /// lie unread when we close, or come later, the kernel answers with a
    /// reset, and that makes the client's kernel throw away what the client
    /// has not read yet. So: say that we are done, read until the client is
    /// done too, and only then close; bounded, for it may never be done.
    fn close(self, worker: &mut Worker) {
        worker.log.flush();
        if self.exchange.input_ended()
            || socket::end_output(&self.socket).is_err()
        {
            return;
        }
        let deadline = Instant::now() + LINGER_TIME;
        let mut count = 0;
        while count < LINGER_BYTES {
            let left = deadline.saturating_duration_since(Instant::now());
            // A time of zero would mean: for ever.
            if left.is_zero()
                || socket::set_receive_timeout(&self.socket, left).is_err()
            {
                return;
            }
            match socket::receive(
                &self.socket,
                &mut worker.space,
                MsgFlags::empty(),
            ) {
                Err(Errno::EINTR) => {}
                Ok(0) | Err(_) => return,
                Ok(more) => count += more,
            }
        }
    }
}

/// Makes a call that may put the thread to sleep. If log lines wait to be
/// written, it is first tried without sleeping, and they are written before
/// it sleeps.
fn willing_to_sleep(
    log: &mut AccessLog,
    mut call: impl FnMut(MsgFlags) -> nix::Result<usize>,
) -> nix::Result<usize> {
    if !log.is_empty() {
        match call(MsgFlags::MSG_DONTWAIT) {
            Err(Errno::EAGAIN) => log.flush(),
            done => return done,
        }
    }
    call(MsgFlags::empty())
}
