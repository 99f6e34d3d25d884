//! A load of the bench's own: one thread, epoll, many connections.
//!
//! It accepts nothing but right answers, stops asking when the time is over
//! and then takes the answers still owed, so that each request has one.

pub mod answer;
mod bulk;

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::socket::{MsgFlags, recv};

use answer::{Expected, Reader};

/// What is asked, and how.
#[derive(Debug, Clone)]
pub struct Load {
    /// Whom to ask.
    pub address: SocketAddr,
    /// For which path.
    pub path: &'static str,
    /// How many bytes of content its answer must have.
    pub length: usize,
    /// How many connections at a time.
    pub connections: usize,
    /// How many requests go in one write.
    pub depth: usize,
    /// Whether each request has a connection of its own.
    pub each_new: bool,
    /// For how long new requests are made.
    pub time: Duration,
    /// How many requests are made at most.
    pub most: u64,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Right answers. There were no others.
    pub answers: u64,
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// From each write to the end of its answers; of one connection only.
    pub latencies: Vec<Duration>,
}

struct Connection {
    stream: TcpStream,
    reader: Reader,
    owed: u64,
    asked: Instant,
    /// Whether it waits for many bytes together.
    patient: bool,
}

/// How long the server may be silent while it owes an answer.
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

/// Asks until the time is over, and waits for the last answer.
///
/// # Errors
/// The first wrong answer, an early end, or 20 s without a byte.
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
            Ok(0) => return Err("it owes an answer since 20 s".into()),
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
    /// Opens a connection and asks.
    fn open(&mut self, token: usize) -> Result<Connection, String> {
        // The kernel completes a handshake on loopback before connect(2)
        // sleeps, whether the server is about to accept or not.
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
        // It is a kilobyte, and the one before has been answered: there is
        // room for it.
        let sent = connection.stream.write(&self.burst);
        if !sent.as_ref().is_ok_and(|count| *count == self.burst.len()) {
            return Err(format!("cannot send a request: {sent:?}"));
        }
        connection.owed = self.load.depth as u64;
        self.asked += connection.owed;
        Ok(())
    }

    /// Takes what has come. Returns whether the connection is done with.
    fn go_on(
        &mut self,
        connection: &mut Connection,
        token: usize,
    ) -> Result<bool, String> {
        let answers = match self.receive(connection)? {
            Some(answers) => answers,
            None if connection.owed > 0 => {
                return Err("it closed before its answer was whole".into());
            }
            None if self.over() => return Ok(self.forget(connection)),
            None => {
                *connection = self.open(token)?;
                return Ok(false);
            }
        };
        self.outcome.answers += answers;
        connection.owed = connection
            .owed
            .checked_sub(answers)
            .ok_or("it sent more answers than were asked for")?;
        // A connection of its own goes on until the server has closed it.
        if connection.owed > 0 || answers == 0 || self.load.each_new {
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

    /// Returns how many answers are whole now; `None` at the end.
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
                let answers = from.reader.take(bytes, &mut self.expected)?;
                self.set_patience(from)?;
                Ok(Some(answers))
            }
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(Some(0)),
            Err(error) => Err(format!("cannot receive: {error}")),
        }
    }

    /// Lets the rest of a large file come together before it wakes us, and the
    /// end of it, like everything small, come as it comes.
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
