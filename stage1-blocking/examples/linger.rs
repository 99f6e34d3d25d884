//! What does `close` do with a response that has not been sent yet, and how
//! does `SO_LINGER` change it?
//!
//! The server sends 1 MiB, more than its client can buffer, and closes. The
//! client starts to read half a second later, while a slow `close` still
//! sleeps, or only after `close` has returned.
//!
//! Predict first: which rows lose part of the response? How long does `close`
//! sleep, and does it sleep on a non-blocking socket? When the time of
//! `SO_LINGER` has passed and the client has read nothing, is the rest lost?
//!
//! Then change: the size of the response, so that it fits into the client's
//! buffer. Run `ss -tan` while a row is in `FIN_WAIT1`: which process owns it?
//!
//! Takes three seconds.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use conversations::lab::ends::read_to_end;
use conversations::lab::sockets::pair;
use conversations::lab::{self, CEILING, Lab, Table, yes};
use nix::libc::linger;
use nix::sys::socket::{setsockopt, sockopt};

/// Size in bytes: more than the client's receive buffer holds, and less than
/// the server's send buffer.
const RESPONSE: usize = 1 << 20;

/// Delay before a client reads.
const LATER: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    lab::run(experiment)
}

fn experiment() -> Lab {
    let mut table = Table::new(&[
        "SO_LINGER",
        "blocking",
        "client reads",
        "close returned",
        "received",
        "ended with",
    ]);
    for blocking in [true, false] {
        close_with(None, blocking, false, &mut table)?;
        close_with(Some(0), blocking, false, &mut table)?;
        close_with(Some(10), blocking, true, &mut table)?;
        close_with(Some(1), blocking, false, &mut table)?;
    }
    println!("{table}");
    Ok(())
}

/// Sends the response and closes. The client reads after a while, or only after
/// `close` has returned.
fn close_with(
    seconds: Option<u16>,
    blocking: bool,
    reads: bool,
    table: &mut Table,
) -> Lab {
    let (client, mut server) = pair()?;
    if let Some(seconds) = seconds {
        let time = linger { l_onoff: 1, l_linger: seconds.into() };
        setsockopt(&server, sockopt::Linger, &time)?;
    }
    // All of the response must be in the send buffer when `close` begins.
    server.set_nonblocking(true)?;
    server.write_all(&vec![b'x'; RESPONSE])?;
    server.set_nonblocking(!blocking)?;
    let start = Instant::now();
    let (tell, closed) = channel();
    let closing = thread::spawn(move || {
        drop(server);
        let _ = tell.send(());
        start.elapsed()
    });
    let at_once = closed.recv_timeout(LATER).is_ok();
    if !at_once && !reads {
        closed.recv_timeout(CEILING).map_err(|e| e.to_string())?;
    }
    let (count, end) = read_to_end(&client);
    let slept = closing.join().map_err(|_| "a thread panicked")?;
    let limit = Duration::from_secs(seconds.unwrap_or(0).into());
    let option = seconds.map_or("off".to_owned(), |s| format!("{s} s"));
    table.row(&[
        option.as_str(),
        yes(blocking),
        if reads { "during close" } else { "after close" },
        match slept {
            _ if at_once => "at once",
            _ if slept < limit => "once all read",
            _ => "on time-out",
        },
        if count == RESPONSE { "all" } else { "part" },
        &end,
    ]);
    Ok(())
}
