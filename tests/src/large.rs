//! A large file to a slow client.

use std::io::Read as _;
use std::net::TcpStream;
use std::os::fd::AsRawFd as _;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, connect, setsockopt, socket,
    sockopt,
};

use crate::files;
use crate::fixtures::{self, BIG, pattern};
use crate::number::Number;
use crate::server::Server;
use crate::stage::{Case, Outcome, PASSED, Stage};
use crate::wire::request::find;

const REQUEST: &[u8] = b"GET /big.bin HTTP/1.1\r\nHost: slow\r\n\
                         Connection: close\r\n\r\n";

/// The client's receive buffer, in bytes: small, so that the server's send
/// buffer is full again and again.
const RECEIVE_BUFFER: usize = 16 << 10;

/// The client pauses after each block of this many bytes: 128 times.
const BETWEEN_PAUSES: usize = 512 << 10;

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    let case = |name, promise, run| Case {
        name,
        promise,
        from: Number::stage(1),
        until: Number::EVER,
        any_server: true,
        run,
    };
    vec![
        case(
            "large::slow_reader",
            "A client that reads slowly, through a small receive window, gets \
             all 64 MiB\nunchanged.",
            slow_reader,
        ),
        case(
            "large::next_request",
            "The next request arrives while the server is sending a response of \
             64 MiB. It\nis answered once that response is complete.",
            next_request,
        ),
    ]
}

fn slow_reader(stage: &Stage) -> Outcome {
    fixtures::site().big()?;
    let mut server = stage.start(&["--quiet"])?;
    let mut stream = connect_with_small_buffer(&server)?;
    stream.set_read_timeout(Some(stage.ceiling))?;
    std::io::Write::write_all(&mut stream, REQUEST)?;
    let mut checker = Checker::default();
    let mut buffer = vec![0; 32 << 10];
    let mut until_pause = BETWEEN_PAUSES;
    let deadline = Instant::now() + 12 * stage.ceiling;
    loop {
        if Instant::now() > deadline {
            let received = checker.body;
            return Err(format!("only {received} bytes arrived in time").into());
        }
        let count = stream.read(&mut buffer).map_err(|error| {
            format!("after {} bytes of the body: {error}", checker.body)
        })?;
        if count == 0 {
            break;
        }
        checker.take(&buffer[..count])?;
        until_pause = until_pause.saturating_sub(count);
        if until_pause == 0 {
            // The pause makes the client slow; nothing waits for an event here.
            thread::sleep(Duration::from_millis(5));
            until_pause = BETWEEN_PAUSES;
        }
    }
    if checker.body != BIG {
        let received = checker.body;
        return Err(format!(
            "{received} of {BIG} bytes arrived, then the connection closed"
        )
        .into());
    }
    server.check_alive()?;
    Ok(PASSED)
}

fn next_request(stage: &Stage) -> Outcome {
    fixtures::site().big()?;
    let server = stage.start_plain(&[])?;
    let mut client = files::begin(&server, stage, "big.bin")?;
    // The buffers of both sides hold far less than the file.
    client.send(b"GET /hello.txt HTTP/1.1\r\nHost: large\r\n\r\n")?;
    client
        .wait_for_responses(2)
        .map_err(|why| format!("no response to the next request: {why}"))?;
    let bodies = client.reader.responses.iter().map(|it| it.body.len());
    let bodies: Vec<usize> = bodies.collect();
    if bodies != [BIG, fixtures::HELLO.len()] {
        return Err(format!("bodies of {bodies:?} bytes").into());
    }
    Ok(PASSED)
}

/// `SO_RCVBUF` must be set before connect(2): the handshake fixes the window
/// scale (tcp(7)).
///
/// # Errors
/// As connect(2).
pub fn connect_with_small_buffer(server: &Server) -> Result<TcpStream, String> {
    let std::net::SocketAddr::V4(address) = server.address() else {
        return Err("not an IPv4 address".into());
    };
    let open = || -> nix::Result<TcpStream> {
        let (family, kind) = (AddressFamily::Inet, SockType::Stream);
        let fd = socket(family, kind, SockFlag::SOCK_CLOEXEC, None)?;
        setsockopt(&fd, sockopt::RcvBuf, &RECEIVE_BUFFER)?;
        connect(fd.as_raw_fd(), &SockaddrIn::from(address))?;
        Ok(TcpStream::from(fd))
    };
    open().map_err(|error| format!("cannot connect: {error}"))
}

/// Strips the head and compares the body with the pattern.
#[derive(Default)]
struct Checker {
    head: Vec<u8>,
    head_done: bool,
    body: usize,
}

impl Checker {
    fn take(&mut self, bytes: &[u8]) -> Result<(), String> {
        if self.head_done {
            return self.compare(bytes);
        }
        self.head.extend(bytes);
        let Some(end) = find(&self.head, b"\r\n\r\n") else { return Ok(()) };
        self.head_done = true;
        let rest = self.head.split_off(end + 4);
        if self.head.get(8..13) != Some(b" 200 ") {
            let head = String::from_utf8_lossy(&self.head);
            let line = head.lines().next().unwrap_or("");
            return Err(format!("expected 200, got: {line}"));
        }
        self.compare(&rest)
    }

    fn compare(&mut self, bytes: &[u8]) -> Result<(), String> {
        for &byte in bytes {
            let position = self.body;
            if byte != pattern(position) {
                return Err(format!("byte {position} of the body is wrong"));
            }
            self.body += 1;
        }
        Ok(())
    }
}
