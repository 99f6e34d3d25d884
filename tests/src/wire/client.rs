//! One connection to the server, seen from the client.
//!
//! The socket does not block, and while the client sends it also reads: a
//! server that stops reading until its answers are taken (back-pressure)
//! must not bring the test to a standstill.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{Shutdown, setsockopt, shutdown, sockopt};

use super::answer::Reader;
use super::peer::Peer;

/// How long a test waits for one event before it fails. Generous: it only
/// passes in full when the event never comes.
pub const CEILING: Duration = Duration::from_secs(20);

/// How the receiving direction stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// More may come.
    Open,
    /// The server has closed in order (FIN).
    Closed,
    /// The connection was reset (RST).
    Reset,
}

/// A connection, all that went over it, and the answers found in that.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    peer: Option<Peer>,
    /// Everything sent so far.
    pub sent: Vec<u8>,
    /// Everything received so far.
    pub received: Vec<u8>,
    /// The answers in `received`.
    pub reader: Reader,
    /// Whether the server has ended the connection.
    pub end: End,
    /// How much was sent when the first byte of an answer came.
    pub first_answer_after: Option<usize>,
    /// How long to wait for one event.
    pub ceiling: Duration,
}

impl Client {
    /// Connects, with `TCP_NODELAY`: each write is a segment of its own.
    ///
    /// # Errors
    /// As connect(2).
    pub fn connect(address: SocketAddr, ceiling: Duration) -> io::Result<Self> {
        Self::adopt(TcpStream::connect_timeout(&address, ceiling)?, ceiling)
    }

    /// Takes over a connected stream, whose options the test has set.
    ///
    /// # Errors
    /// As setsockopt(2).
    pub fn adopt(stream: TcpStream, ceiling: Duration) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let peer = Peer::new(stream.local_addr()?, stream.peer_addr()?);
        Ok(Self {
            stream,
            peer,
            sent: Vec::new(),
            received: Vec::new(),
            reader: Reader::default(),
            end: End::Open,
            first_answer_after: None,
            ceiling,
        })
    }

    /// Sends all of `bytes`, in one write if the kernel has room. Once the
    /// server has closed, what can't be sent any more is dropped: the
    /// answers tell what became of it.
    ///
    /// # Errors
    /// If the server takes nothing for as long as the ceiling.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.sent.extend(bytes);
        let mut rest = bytes;
        let mut deadline = Instant::now() + self.ceiling;
        while !rest.is_empty() && self.end != End::Reset {
            match (&self.stream).write(rest) {
                Ok(count) => {
                    rest = rest.get(count..).unwrap_or_default();
                    deadline = Instant::now() + self.ceiling;
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    let ready =
                        self.poll(PollFlags::POLLIN | PollFlags::POLLOUT);
                    if !ready && Instant::now() > deadline {
                        return Err(self.waited("the server to take bytes"));
                    }
                    self.take();
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        self.take();
        Ok(())
    }

    /// Sends `bytes` in writes of `piece` bytes, each only after the server
    /// has read the one before.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub fn drip(&mut self, bytes: &[u8], piece: usize) -> Result<(), String> {
        for piece in bytes.chunks(piece.max(1)) {
            self.send(piece)?;
            self.settle(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Waits until the server has read all that was sent, at most `limit`.
    /// A server that has stopped reading is not waited for twice.
    pub fn settle(&mut self, limit: Duration) {
        if self.end != End::Open {
            self.peer = None;
        }
        let read = self.peer.as_ref().map(|peer| peer.wait_until_read(limit));
        if read == Some(false) {
            self.peer = None;
        }
        self.take();
    }

    /// Ends the sending direction only: shutdown(2) with `SHUT_WR`.
    pub fn half_close(&mut self) {
        // It can only fail if the connection is gone already.
        let _ = shutdown(self.stream.as_raw_fd(), Shutdown::Write);
    }

    /// Ends the connection by a RST, as a crashed client does.
    pub fn reset(self) {
        let abort = libc::linger { l_onoff: 1, l_linger: 0 };
        let _ = setsockopt(&self.stream, sockopt::Linger, &abort);
    }

    /// The client's own end of the connection.
    ///
    /// # Errors
    /// As getsockname(2).
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.stream.local_addr()
    }

    pub(super) fn waited(&self, what: &str) -> String {
        format!("waited {} s for {what}", self.ceiling.as_secs())
    }

    /// Waits for one of `events`, at most a tenth of a second.
    pub(super) fn poll(&self, events: PollFlags) -> bool {
        let mut fds = [PollFd::new(self.stream.as_fd(), events)];
        poll(&mut fds, PollTimeout::from(100_u8)).is_ok_and(|n| n > 0)
    }

    /// Reads all that is there, and cuts it into answers.
    pub(crate) fn take(&mut self) {
        let mut buffer = [0; 16384];
        while self.end == End::Open {
            match (&self.stream).read(&mut buffer) {
                Ok(0) => self.end = End::Closed,
                Ok(count) => {
                    let sent = self.sent.len();
                    self.first_answer_after.get_or_insert(sent);
                    self.received.extend(&buffer[..count]);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => self.end = End::Reset,
            }
        }
        let ended = self.end != End::Open;
        self.reader.advance(&self.received, &self.sent, ended);
    }
}
