//! How connections end, and what they leave behind.

use std::fs;
use std::io::Read as _;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::str::SplitWhitespace;

use super::info::TcpInfo;
use super::sockets::{LOOPBACK, pair_by};
use super::{Stop, until};

/// Reads to the end: how many bytes came, and then what: `FIN`, or the name
/// of the error.
#[must_use]
pub fn read_to_end(mut stream: &TcpStream) -> (usize, String) {
    let mut space = vec![0; 64 << 10];
    let mut count = 0;
    loop {
        match stream.read(&mut space) {
            Ok(0) => return (count, "FIN".to_owned()),
            Ok(more) => count += more,
            Err(error) => return (count, super::name(&error)),
        }
    }
}

/// Closes a connection from both ends. Whoever is first is left in `TIME_WAIT`
/// when this returns.
///
/// # Errors
/// If that does not come about.
pub fn close_both(first: TcpStream, second: TcpStream) -> Result<(), Stop> {
    drop(first);
    let _ = read_to_end(&second);
    second.shutdown(Shutdown::Write)?;
    // It is acknowledged by a connection that is in TIME_WAIT by then.
    let closed = || TcpInfo::of(&second).is_ok_and(|i| i.state == "CLOSE");
    until("the last acknowledgement", closed)?;
    drop(second);
    Ok(())
}

/// An address that a closed connection holds in `TIME_WAIT`. Its listener had
/// `SO_REUSEADDR`, so one that has it too may bind there.
///
/// # Errors
/// If that does not come about.
pub fn leave_in_time_wait() -> Result<SocketAddr, Stop> {
    // The standard library sets SO_REUSEADDR.
    let listener = TcpListener::bind(LOOPBACK)?;
    let address = listener.local_addr()?;
    let (client, server) = pair_by(&listener)?;
    close_both(server, client)?;
    Ok(address)
}

/// Whether a connection in `TIME_WAIT`, which has no descriptor any more, holds
/// this IPv4 address.
#[must_use]
pub fn in_time_wait(address: SocketAddr) -> bool {
    let local = Some(in_hex(address));
    listed(|words| {
        words.nth(1) == local.as_deref() && words.nth(1) == Some("06")
    })
}

/// Whether the system lists an IPv4 connection, from its local address to its
/// remote one, as a handshake that is not complete.
#[must_use]
pub fn in_handshake(local: SocketAddr, remote: SocketAddr) -> bool {
    let ends = [local, remote].map(in_hex);
    listed(|words| {
        words.nth(1) == Some(&ends[0])
            && words.next() == Some(&ends[1])
            && words.next() == Some("03")
    })
}

/// Whether one of the system's connections is so (proc(5), `/proc/net/tcp`).
fn listed(mut so: impl FnMut(&mut SplitWhitespace) -> bool) -> bool {
    let table = fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    table.lines().any(|line| so(&mut line.split_whitespace()))
}

/// An IPv4 address is written as the number that it is in memory.
fn in_hex(address: SocketAddr) -> String {
    let SocketAddr::V4(v4) = address else { return String::new() };
    let host = u32::from_ne_bytes(v4.ip().octets());
    format!("{host:08X}:{:04X}", v4.port())
}
