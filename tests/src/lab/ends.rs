//! How connections end, and the state they leave behind.

use std::fs;
use std::io::Read as _;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::str::SplitWhitespace;

use super::info::TcpInfo;
use super::sockets::{LOOPBACK, pair_by};
use super::{Stop, until};

/// Reads to the end: the number of bytes, and then `FIN` or the name of the
/// error.
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

/// Closes a connection from both ends. The side that closes first is in
/// `TIME_WAIT` when this returns.
///
/// # Errors
/// If that state is not reached.
pub fn close_both(first: TcpStream, second: TcpStream) -> Result<(), Stop> {
    drop(first);
    let _ = read_to_end(&second);
    second.shutdown(Shutdown::Write)?;
    // The peer that acknowledges this FIN is in TIME_WAIT by then.
    let closed = || TcpInfo::of(&second).is_ok_and(|i| i.state == "CLOSE");
    until("the last acknowledgement", closed)?;
    drop(second);
    Ok(())
}

/// Returns an address held by a closed connection in `TIME_WAIT`. Its listener
/// had `SO_REUSEADDR`, so another socket that has it may bind there.
///
/// # Errors
/// If that state is not reached.
pub fn leave_in_time_wait() -> Result<SocketAddr, Stop> {
    // The standard library sets SO_REUSEADDR.
    let listener = TcpListener::bind(LOOPBACK)?;
    let address = listener.local_addr()?;
    let (client, server) = pair_by(&listener)?;
    close_both(server, client)?;
    Ok(address)
}

/// Whether a connection in `TIME_WAIT` holds this IPv4 address. It has no
/// descriptor, so we look it up in /proc.
#[must_use]
pub fn in_time_wait(address: SocketAddr) -> bool {
    let local = Some(in_hex(address));
    is_listed(|words| {
        words.nth(1) == local.as_deref() && words.nth(1) == Some("06")
    })
}

/// Whether /proc lists a connection from `local` to `remote` whose handshake is
/// not complete.
#[must_use]
pub fn in_handshake(local: SocketAddr, remote: SocketAddr) -> bool {
    let ends = [local, remote].map(in_hex);
    is_listed(|words| {
        words.nth(1) == Some(&ends[0])
            && words.next() == Some(&ends[1])
            && words.next() == Some("03")
    })
}

/// Whether any line of `/proc/net/tcp` (proc(5)) matches.
fn is_listed(mut matches: impl FnMut(&mut SplitWhitespace) -> bool) -> bool {
    let table = fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    table.lines().any(|line| matches(&mut line.split_whitespace()))
}

/// /proc prints an IPv4 address as a number in host byte order.
fn in_hex(address: SocketAddr) -> String {
    let SocketAddr::V4(v4) = address else { return String::new() };
    let host = u32::from_ne_bytes(v4.ip().octets());
    format!("{host:08X}:{:04X}", v4.port())
}
