//! Why does a client that has sent one byte too many lose its response?
//!
//! The server sends a response and closes, while a byte from the client may
//! still be unread. The kernel has acknowledged that byte, so the client
//! believes that the server has read it. To correct that, the kernel sends a
//! RST instead of a FIN (RFC 9293 section 3.10.4), and discards what it still
//! had to send.
//!
//! Predict first: in which rows does the client get the whole response? Does
//! `SO_LINGER` help? Does `shutdown(SHUT_WR)`, which sends a FIN, if `close`
//! follows at once? What happens to a small response that has already arrived?
//!
//! `drain` means to read until the client's EOF.
//!
//! Then change: when the client reads, before or after the server's `close`.
//! Make it send its byte between `shutdown` and `close`.

use std::io::Write as _;
use std::net::{Shutdown, TcpStream};
use std::process::ExitCode;
use std::thread;

use conversations::lab::ends::read_to_end;
use conversations::lab::sockets::{pair, readable};
use conversations::lab::{self, CEILING, Lab, Table};
use nix::libc::linger;
use nix::sys::socket::{setsockopt, sockopt};

/// A response, in bytes, that is still in the server's send buffer when the
/// client reads.
const LARGE: usize = 1 << 20;

/// A response that has arrived before the server closes.
const SMALL: usize = 13;

const CLOSE: &str = "close";
const LINGER: &str = "SO_LINGER 5 s, close";
const SHUTDOWN: &str = "shutdown, close";
const DRAIN: &str = "shutdown, drain, close";

fn main() -> ExitCode {
    lab::run(experiment)
}

fn experiment() -> Lab {
    let mut table = Table::new(&[
        "response",
        "unread",
        "server calls",
        "received",
        "ended with",
    ]);
    let ends = [CLOSE, LINGER, SHUTDOWN, DRAIN].map(|end| (LARGE, true, end));
    let others = [(LARGE, false, CLOSE), (SMALL, true, CLOSE)];
    for (size, unread, end) in others.into_iter().chain(ends) {
        let (count, then) = respond(size, unread, end)?;
        let got = if count == size { "all" } else { "part" };
        let unread = if unread { "1 byte" } else { "nothing" };
        let size = if size == LARGE { "1 MiB" } else { "13 bytes" };
        table.row(&[size, unread, end, got, &then]);
    }
    println!("{table}");
    Ok(())
}

/// Sends a response and closes. Returns the number of bytes that the client
/// receives, and how the connection ends.
fn respond(
    size: usize,
    unread: bool,
    end: &'static str,
) -> Result<(usize, String), lab::Stop> {
    let (mut client, mut server) = pair()?;
    if unread {
        client.write_all(b"x")?;
        readable(&server, CEILING)?;
    }
    // All of the response must be in the send buffer when the server closes.
    server.set_nonblocking(true)?;
    server.write_all(&vec![b'a'; size])?;
    server.set_nonblocking(false)?;
    readable(&client, CEILING)?;
    let ending = thread::spawn(move || {
        let done = finish(&server, end);
        drop(server);
        done
    });
    if end == DRAIN {
        // The server can't finish before the client closes.
        let got = read_to_end(&client);
        drop(client);
        let _ = ending.join();
        return Ok(got);
    }
    let _ = ending.join();
    Ok(read_to_end(&client))
}

/// The server's calls before it drops the socket, which closes it.
fn finish(server: &TcpStream, end: &str) -> Lab {
    if end == LINGER {
        let long = linger { l_onoff: 1, l_linger: 5 };
        setsockopt(server, sockopt::Linger, &long)?;
    }
    if end == SHUTDOWN || end == DRAIN {
        server.shutdown(Shutdown::Write)?;
    }
    if end == DRAIN {
        let _ = read_to_end(server);
    }
    Ok(())
}
