//! TCP's urgent byte, which a client may send at any place.
//!
//! Without `SO_OOBINLINE` the byte is no part of the stream: recv(2) leaves it
//! out. But it also stops short at its place, though more bytes lie behind;
//! so a short count does not always say that the queue is empty (tcp(7)).

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::AsRawFd as _;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::number::Number;
use crate::process;
use crate::stage::{Case, Outcome, PASSED, Stage};
use crate::wire::request::find;

/// Two requests in pieces; an urgent byte goes between each two of them.
const PLACES: [(&str, [&[u8]; 2]); 3] = [
    (
        "inside a head",
        [
            b"POST /echo HTTP/1.1\r\nHost: urg",
            b"ent\r\nContent-Length: 10\r\nConnection: close\r\n\r\n\
              0123456789",
        ],
    ),
    (
        "inside a body",
        [
            b"POST /echo HTTP/1.1\r\nHost: urgent\r\n\
              Content-Length: 10\r\nConnection: close\r\n\r\n01234",
            b"56789",
        ],
    ),
    (
        "between two requests",
        [
            b"OPTIONS * HTTP/1.1\r\nHost: urgent\r\n\r\n",
            b"POST /echo HTTP/1.1\r\nHost: urgent\r\n\
              Content-Length: 10\r\nConnection: close\r\n\r\n0123456789",
        ],
    ),
];

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    vec![Case {
        name: "urgent::byte_in_a_request",
        promise: "A client sends an urgent byte (MSG_OOB) in the middle of a \
                  request. The\n\
                  server reads the bytes after it like those before, and \
                  responds.",
        from: Number::stage(1),
        until: Number::EVER,
        any_server: false,
        run: byte_in_a_request,
    }]
}

fn byte_in_a_request(stage: &Stage) -> Outcome {
    let mut server = stage.start(&["--quiet"])?;
    let pid = Pid::from_raw(server.pid());
    for (place, [before, behind]) in PLACES {
        let mut stream = TcpStream::connect(server.address())?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(stage.ceiling))?;
        // The server is stopped while all of it arrives, so that it finds the
        // mark in the middle of its queue, whatever the scheduler does.
        process::until_asleep(server.pid(), stage.ceiling)?;
        kill(pid, Signal::SIGSTOP)?;
        let sent = send(&mut stream, before, behind);
        kill(pid, Signal::SIGCONT)?;
        sent?;
        let mut got = Vec::new();
        let end = stream.read_to_end(&mut got);
        if end.is_err() || find(&got, b"\r\n\r\n0123456789").is_none() {
            let got = String::from_utf8_lossy(&got);
            return Err(format!(
                "an urgent byte {place}: {end:?}; this came:\n{got}"
            )
            .into());
        }
    }
    server.check_alive()?;
    Ok(PASSED)
}

fn send(
    stream: &mut TcpStream,
    before: &[u8],
    behind: &[u8],
) -> io::Result<()> {
    stream.write_all(before)?;
    // SAFETY: the pointer and the length are those of one byte.
    let sent = unsafe {
        libc::send(
            stream.as_raw_fd(),
            b"!".as_ptr().cast(),
            1,
            libc::MSG_OOB | libc::MSG_NOSIGNAL,
        )
    };
    if sent != 1 {
        return Err(io::Error::last_os_error());
    }
    stream.write_all(behind)
}
