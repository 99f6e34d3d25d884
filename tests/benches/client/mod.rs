//! The bench's own load generator: one thread, epoll, many connections.
//!
//! It accepts only correct responses, stops sending requests when the time is
//! over, and then waits for the outstanding responses, so that each request has
//! one.

mod bulk;
pub mod response;

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::socket::{MsgFlags, recv};

use response::{Expected, Reader};

/// The requests to make.
#[derive(Debug, Clone)]
pub struct Load {
    /// The server.
    pub address: SocketAddr,
    /// The path to request.
    pub path: &'static str,
    /// The expected length of the body.
    pub length: usize,
    /// Number of concurrent connections.
    pub connections: usize,
    /// Number of requests per write.
    pub depth: usize,
    /// Whether each request uses a new connection.
    pub each_new: bool,
    /// How long to make new requests.
    pub time: Duration,
    /// Maximum number of requests.
    pub most: u64,
}

/// The result.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Number of correct responses. There were no others.
    pub responses: u64,
    /// Time from the first request to the last response.
    pub elapsed: Duration,
    /// Time from each write to the end of its responses; of one connection
    /// only.
    pub latencies: Vec<Duration>,
}

struct Connection {
    stream: TcpStream,
    reader: Reader,
    owed: u64,
    asked: Instant,
    /// Whether it waits for many bytes at once.
    patient: bool,
}

/// How long the server may be silent while a response is outstanding.
const CEILING: u16 = 20_000;

struct Client<'a> {
    load: &'a Load,
    burst: Vec<u8>,
    epoll: Epoll,
    expected: Expected,
    asked: u64,
    deadline: Instant,
    outcome: Outcome,
    bytes: Vec<u8>,
}

/// Makes requests until the time is over, then waits for the last response.
///
/// # Errors
/// The first wrong response, an early end, or 20 s without a byte.
pub fn run(load: &Load) -> Result<Outcome, String> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)
        .map_err(|e| e.to_string())?;
    let begun = Instant::now();
    let mut client = Client {
        load,
        burst: load.request().repeat(load.depth),
        epoll,
        expected: Expected::new(load.length),
        asked: 0,
        deadline: begun + load.time,
        outcome: Outcome::default(),
        bytes: vec![0; 256 * 1024],
    };
    let mut connections = Vec::new();
    for token in 0..load.connections {
        connections.push(client.open(token)?);
    }
    let mut open = connections.len();
    let mut events = [EpollEvent::empty(); 64];
    while open > 0 {
        let count = match client.epoll.wait(&mut events, CEILING) {
            Ok(0) => {
                return Err(
                    "no byte for 20 s while a response was outstanding".into(),
                );
            }
            Err(Errno::EINTR) => 0,
            other => other.map_err(|e| e.to_string())?,
        };
        for event in &events[..count] {
            let at = usize::try_from(event.data()).unwrap_or(0);
            if client.go_on(&mut connections[at], at)? {
                open -= 1;
            }
        }
    }
    client.outcome.elapsed = begun.elapsed();
    Ok(client.outcome)
}

impl Load {
    /// One request.
    #[must_use]
    pub fn request(&self) -> Vec<u8> {
        let connection =
            if self.each_new { "Connection: close\r\n" } else { "" };
        let path = self.path;
        format!("GET {path} HTTP/1.1\r\nHost: bench\r\n{connection}\r\n")
            .into_bytes()
    }
}

impl Client<'_> {
    /// Opens a connection and sends its first request.
    fn open(&mut self, token: usize) -> Result<Connection, String> {
        // On loopback the kernel completes a handshake before connect(2)
        // blocks, whether or not the server is about to accept.
        let stream = TcpStream::connect(self.load.address)
            .map_err(|e| format!("cannot connect: {e}"))?;
        let wrong = |e: std::io::Error| e.to_string();
        stream.set_nonblocking(true).map_err(wrong)?;
        stream.set_nodelay(true).map_err(wrong)?;
        let interest = EpollEvent::new(EpollFlags::EPOLLIN, token as u64);
        self.epoll.add(&stream, interest).map_err(|e| e.to_string())?;
        let reader = Reader::default();
        let asked = Instant::now();
        let mut connection =
            Connection { stream, reader, owed: 0, asked, patient: false };
        self.ask(&mut connection)?;
        Ok(connection)
    }

    fn ask(&mut self, connection: &mut Connection) -> Result<(), String> {
        connection.asked = Instant::now();
        // A request is a kilobyte at most, and the previous one is complete: it
        // fits into the send buffer.
        let sent = connection.stream.write(&self.burst);
        if !sent.as_ref().is_ok_and(|count| *count == self.burst.len()) {
            return Err(format!("cannot send a request: {sent:?}"));
        }
        connection.owed = self.load.depth as u64;
        self.asked += connection.owed;
        Ok(())
    }

    /// Receives what has arrived. Returns whether the connection is finished.
    fn go_on(
        &mut self,
        connection: &mut Connection,
        token: usize,
    ) -> Result<bool, String> {
        let responses = match self.receive(connection)? {
            Some(responses) => responses,
            None if connection.owed > 0 => {
                return Err("it closed before its response was complete".into());
            }
            None if self.over() => return Ok(self.forget(connection)),
            None => {
                *connection = self.open(token)?;
                return Ok(false);
            }
        };
        self.outcome.responses += responses;
        connection.owed = connection
            .owed
            .checked_sub(responses)
            .ok_or("it sent more responses than requested")?;
        // A connection for one request lasts until the server closes it.
        if connection.owed > 0 || responses == 0 || self.load.each_new {
            return Ok(false);
        }
        if self.load.connections == 1 {
            self.outcome.latencies.push(connection.asked.elapsed());
        }
        if self.over() {
            return Ok(self.forget(connection));
        }
        self.ask(connection)?;
        Ok(false)
    }

    fn over(&self) -> bool {
        self.asked >= self.load.most || Instant::now() >= self.deadline
    }

    fn forget(&self, connection: &Connection) -> bool {
        self.epoll.delete(&connection.stream).is_ok()
    }

    /// Returns the number of complete responses; `None` at the end.
    fn receive(
        &mut self,
        from: &mut Connection,
    ) -> Result<Option<u64>, String> {
        let fd = from.stream.as_raw_fd();
        let rest = from.reader.rest();
        let large = rest > self.bytes.len();
        let got = if large {
            bulk::discard(fd, rest)
        } else {
            recv(fd, &mut self.bytes, MsgFlags::empty())
        };
        match got {
            Ok(0) => Ok(None),
            Ok(count) if large => {
                let whole = from.reader.skip(count);
                self.set_patience(from)?;
                Ok(Some(u64::from(whole)))
            }
            Ok(count) => {
                let bytes = &self.bytes[..count];
                let responses = from.reader.take(bytes, &mut self.expected)?;
                self.set_patience(from)?;
                Ok(Some(responses))
            }
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(Some(0)),
            Err(error) => Err(format!("cannot receive: {error}")),
        }
    }

    /// Lets the rest of a large file accumulate before it wakes us. The end of
    /// the file, like everything small, wakes us at once.
    fn set_patience(&self, from: &mut Connection) -> Result<(), String> {
        let rest = from.reader.rest();
        let patient = rest > self.bytes.len();
        if patient || from.patient {
            let enough = if patient { rest } else { 1 };
            bulk::wake_at(&from.stream, enough)
                .map_err(|e| format!("SO_RCVLOWAT: {e}"))?;
            from.patient = patient;
        }
        Ok(())
    }
}
