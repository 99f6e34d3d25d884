//! One connection to the server, seen from the client.
//!
//! The socket is non-blocking, and the client also reads while it sends: a
//! server that applies backpressure must not deadlock the test.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{Shutdown, setsockopt, shutdown, sockopt};

use super::peer::Peer;
use super::response::Reader;

/// How long a test waits for one event before it fails. Generous: only a
/// missing event takes this long.
pub const CEILING: Duration = Duration::from_secs(20);

/// The state of the receiving direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// More may come.
    Open,
    /// The server has closed the connection (FIN).
    Closed,
    /// The connection was reset (RST).
    Reset,
}

/// A connection, all bytes sent and received, and the responses parsed from
/// them.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    peer: Option<Peer>,
    /// Everything sent so far.
    pub sent: Vec<u8>,
    /// Everything received so far.
    pub received: Vec<u8>,
    /// The responses in `received`.
    pub reader: Reader,
    /// Whether the server has ended the connection.
    pub end: End,
    /// Number of bytes sent when the first byte of a response arrived.
    pub first_response_after: Option<usize>,
    /// How long to wait for one event.
    pub ceiling: Duration,
}

impl Client {
    /// Connects, with `TCP_NODELAY`: each write is a separate segment.
    ///
    /// # Errors
    /// As connect(2).
    pub fn connect(address: SocketAddr, ceiling: Duration) -> io::Result<Self> {
        Self::adopt(TcpStream::connect_timeout(&address, ceiling)?, ceiling)
    }

    /// Takes over a connected stream, on which the test may have set options.
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
            first_response_after: None,
            ceiling,
        })
    }

    /// Sends all of `bytes`, in one write if they fit into the send buffer.
    /// After the server has closed, bytes that can't be sent are dropped: the
    /// responses show what happened.
    ///
    /// # Errors
    /// If the server accepts nothing for as long as the ceiling.
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
                        return Err(self.waited("the server to accept bytes"));
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

    /// Sends `bytes` in writes of `size` bytes, each only after the server has
    /// read the previous one.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub fn drip(&mut self, bytes: &[u8], size: usize) -> Result<(), String> {
        for size in bytes.chunks(size.max(1)) {
            self.send(size)?;
            self.settle(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Waits until the server has read everything, at most `limit`. After one
    /// such time-out it never waits again.
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
        // It fails only if the connection has already ended.
        let _ = shutdown(self.stream.as_raw_fd(), Shutdown::Write);
    }

    /// Aborts the connection with a RST, as a crashed client does.
    pub fn reset(self) {
        let abort = libc::linger { l_onoff: 1, l_linger: 0 };
        let _ = setsockopt(&self.stream, sockopt::Linger, &abort);
    }

    /// The client's own address.
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

    /// Reads everything available and parses it into responses.
    pub(crate) fn take(&mut self) {
        let mut buffer = [0; 16384];
        while self.end == End::Open {
            match (&self.stream).read(&mut buffer) {
                Ok(0) => self.end = End::Closed,
                Ok(count) => {
                    let sent = self.sent.len();
                    self.first_response_after.get_or_insert(sent);
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
