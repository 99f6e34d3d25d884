//! TCP's urgent byte, which a client may send anywhere.
//!
//! Without `SO_OOBINLINE` the byte is not part of the stream: recv(2) leaves it
//! out. But recv also returns early at its position, although more bytes
//! follow; so a short count doesn't always mean that the receive buffer is
//! empty (tcp(7)).

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::AsRawFd as _;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::number::Number;
use crate::process;
use crate::stage::{Case, Outcome, PASSED, Stage};
use crate::wire::request::find;

/// Requests cut in two; the urgent byte goes in between.
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
                  request. The\nserver reads the bytes before and after it, \
                  and responds.",
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
        // We stop the server's process while everything arrives, so that it
        // always finds the urgent mark in the middle of its receive buffer.
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
                "urgent byte {place}: {end:?}; received:\n{got}"
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
