//! How many connections does the kernel complete for a server that does not
//! accept, and what does the next client see?
//!
//! `listen(fd, N)` limits the length of the accept queue. This lab calls
//! `accept` only after all clients have connected.
//!
//! Predict first: how many handshakes for N = 1, 2, 8? Is the next client
//! refused, or does it wait? What does the kernel do with N = 1,000,000?
//!
//! `backlog` is the limit in effect (`TCP_INFO` of the listener), and
//! `somaxconn` stands for the value of net.core.somaxconn. `next client` is the
//! state of its socket. Then the lab accepts one connection, and the client
//! connects when it resends its SYN, after a second.
//!
//! Then change: `net.ipv4.tcp_abort_on_overflow` has no effect on these
//! clients; which ones does it affect (tcp(7))? N = 0 with
//! `net.ipv4.tcp_syncookies` at 0 and at 1.
//!
//! Takes a second.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use conversations::lab::info::TcpInfo;
use conversations::lab::sockets::{
    LOOPBACK, address, bind, listen, plain_v4, start_connecting, writable,
};
use conversations::lab::{self, Lab, Stop, Table, until, yes};

/// Long enough for a handshake on the loopback, which takes microseconds.
const PATIENCE: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    lab::run(experiment)
}

fn experiment() -> Lab {
    let mut table = Table::new(&[
        "listen(N)",
        "backlog",
        "handshakes",
        "next client",
        "after accept",
        "SYN resent",
    ]);
    // In parallel, because each one waits for the second SYN.
    let rows = [1, 2, 8].map(|length| thread::spawn(move || fill(length)));
    for row in rows {
        let row = row.join().map_err(|_| "a thread panicked")??;
        table.row(&row);
    }
    for length in [1_000_000, -1] {
        let listener = listener(length)?;
        let backlog = backlog_of(&listener, length)?;
        let length = length.to_string();
        table.row(&[&length, &backlog, "-", "-", "-", "-"]);
    }
    println!("{table}");
    Ok(())
}

fn listener(length: i32) -> nix::Result<OwnedFd> {
    let listener = plain_v4()?;
    bind(&listener, LOOPBACK)?;
    listen(&listener, length)?;
    Ok(listener)
}

/// The backlog in effect, or `somaxconn` if the kernel has cut it to that.
fn backlog_of(listener: &OwnedFd, asked: i32) -> Result<String, Stop> {
    let backlog = TcpInfo::of(listener)?.sacked.to_string();
    let limit = lab::sysctl("net.core.somaxconn").map(|n| n.to_string());
    let cut = limit == Some(backlog.clone()) && backlog != asked.to_string();
    Ok(if cut { "somaxconn".to_owned() } else { backlog })
}

/// Connects clients until one of them has to wait. Returns the row.
fn fill(length: i32) -> Result<[String; 6], Stop> {
    let listener = listener(length)?;
    let to = address(&listener)?;
    let mut complete = Vec::new();
    let next = loop {
        let client = start_connecting(to)?;
        if !writable(&client, PATIENCE)? {
            break client;
        }
        complete.push(client);
    };
    let waiting = TcpInfo::of(&next)?.state;
    let backlog = backlog_of(&listener, length)?;
    let listener = TcpListener::from(listener);
    let _accepted = listener.accept()?;
    until("the client to connect", || {
        TcpInfo::of(&next).is_ok_and(|info| info.state != waiting)
    })?;
    let after = TcpInfo::of(&next)?;
    Ok([
        length.to_string(),
        backlog,
        complete.len().to_string(),
        waiting.to_owned(),
        after.state.to_owned(),
        yes(after.total_retrans > 0).to_owned(),
    ])
}
