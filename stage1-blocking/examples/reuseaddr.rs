//! Why can't a server restart at once, and how does `SO_REUSEADDR` change that?
//!
//! The side that closes first keeps its end of the connection in `TIME_WAIT`
//! for a minute (RFC 9293 section 3.6.1; on Linux 60 s, fixed). If that was the
//! server, its port is in use for that time.
//!
//! Predict first: the old server is gone, and a new one binds to its port. In
//! which of the eight cases does `bind` fail? Whose option counts, that of the
//! old server, of the new one, or of both?
//!
//! In the last four rows neither side closes, and the old server still listens.
//!
//! Then change: make the client close with a reset (`SO_LINGER` with 0 s). What
//! is left then? Run `ss -tan state time-wait` in the meantime.

use std::net::TcpListener;
use std::process::ExitCode;

use conversations::lab::ends::{close_both, in_time_wait};
use conversations::lab::sockets::{LOOPBACK, bind, listen, pair_by, plain_v4};
use conversations::lab::{self, Lab, Stop, Table, works, yes};
use nix::sys::socket::{setsockopt, sockopt};

fn main() -> ExitCode {
    lab::run(experiment)
}

fn experiment() -> Lab {
    let head = [
        "closed first",
        "in TIME_WAIT",
        "old: REUSEADDR",
        "new: REUSEADDR",
        "bind",
    ];
    let mut table = Table::new(&head);
    for first in ["server", "client", "neither"] {
        for old in [false, true] {
            for new in [false, true] {
                restart(first, old, new, &mut table)?;
            }
        }
    }
    println!("{table}");
    Ok(())
}

/// A server serves one client and exits, and another one binds to its port.
/// `old` and `new` say which of them sets `SO_REUSEADDR`.
fn restart(first: &str, old: bool, new: bool, table: &mut Table) -> Lab {
    let listener = plain_v4()?;
    setsockopt(&listener, sockopt::ReuseAddr, &old)?;
    bind(&listener, LOOPBACK)?;
    listen(&listener, 8)?;
    let listener = TcpListener::from(listener);
    let address = listener.local_addr()?;
    let mut left = "-";
    // If neither side closes, the old server keeps listening, without a client.
    if first != "neither" {
        left = serve(&listener, first == "server")?;
        drop(listener);
    }
    let socket = plain_v4()?;
    setsockopt(&socket, sockopt::ReuseAddr, &new)?;
    let again = works(&bind(&socket, address));
    table.row(&[first, left, yes(old), yes(new), &again]);
    Ok(())
}

/// Opens and closes a connection. Returns the port that it leaves in
/// `TIME_WAIT`.
fn serve(
    listener: &TcpListener,
    server_first: bool,
) -> Result<&'static str, Stop> {
    let (client, server) = pair_by(listener)?;
    let of_client = client.local_addr()?;
    let of_server = server.local_addr()?;
    let (first, second) =
        if server_first { (server, client) } else { (client, server) };
    close_both(first, second)?;
    Ok(if in_time_wait(of_server) {
        "server's port"
    } else if in_time_wait(of_client) {
        "client's port"
    } else {
        "nothing"
    })
}
