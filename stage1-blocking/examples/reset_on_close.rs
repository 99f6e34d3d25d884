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
//! To drain means to read until the client's EOF, and only then to close.
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

/// An answer that waits in the server's kernel until the client reads, in
/// bytes.
const LARGE: usize = 1 << 20;

/// One that has arrived before the server closes.
const SMALL: usize = 13;

const CLOSE: &str = "close";
const LINGER: &str = "SO_LINGER of 5 s, close";
const SHUTDOWN: &str = "shutdown, close";
const DRAIN: &str = "shutdown, drain, close";

fn main() -> ExitCode {
    lab::run(experiment)
}

fn experiment() -> Lab {
    let mut table =
        Table::new(&["answer", "unread", "the end", "client got", "then"]);
    let ends = [CLOSE, LINGER, SHUTDOWN, DRAIN].map(|end| (LARGE, true, end));
    let others = [(LARGE, false, CLOSE), (SMALL, true, CLOSE)];
    for (size, unread, end) in others.into_iter().chain(ends) {
        let (count, then) = answer(size, unread, end)?;
        let got = if count == size { "all" } else { "a part" };
        let unread = if unread { "1 byte" } else { "nothing" };
        let size = format!("{size} bytes");
        table.row(&[&size, unread, end, got, &then]);
    }
    println!("{table}");
    Ok(())
}

/// What the client gets of an answer, and what comes after it.
fn answer(
    size: usize,
    unread: bool,
    end: &'static str,
) -> Result<(usize, String), lab::Stop> {
    let (mut client, mut server) = pair()?;
    if unread {
        client.write_all(b"x")?;
        readable(&server, CEILING)?;
    }
    // The kernel must take all of it now, or there is nothing to see.
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
        // This takes as long as the client does.
        let got = read_to_end(&client);
        drop(client);
        let _ = ending.join();
        return Ok(got);
    }
    let _ = ending.join();
    Ok(read_to_end(&client))
}

/// What the server does in the end; to drop the socket is to close it.
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
