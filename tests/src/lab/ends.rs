//! How connections end, and what they leave behind.

use std::fs;
use std::io::Read as _;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;

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
/// this IPv4 address (proc(5), `/proc/net/tcp`).
#[must_use]
pub fn in_time_wait(address: SocketAddr) -> bool {
    let SocketAddr::V4(v4) = address else { return false };
    // The address is written as the number that it is in memory.
    let host = u32::from_ne_bytes(v4.ip().octets());
    let local = format!("{host:08X}:{:04X}", v4.port());
    let table = fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    table.lines().any(|line| {
        let mut words = line.split_whitespace();
        words.nth(1) == Some(&local) && words.nth(1) == Some("06")
    })
}

/// Makes a socket drop whatever arrives for it, unseen and unanswered, as if
/// its machine had lost power. That is a filter of one instruction (socket(7),
/// `SO_ATTACH_FILTER`).
///
/// # Errors
/// As setsockopt(2); EPERM where only root may attach one.
pub fn deafen(socket: &impl AsFd) -> nix::Result<()> {
    // One instruction: keep 0 bytes of each segment.
    let code = u16::try_from(libc::BPF_RET | libc::BPF_K).unwrap_or(0);
    let mut keep = libc::sock_filter { code, jt: 0, jf: 0, k: 0 };
    let program = libc::sock_fprog { len: 1, filter: &raw mut keep };
    let length = size_of::<libc::sock_fprog>();
    // SAFETY: the program has one instruction; both live during the call, in
    // which the kernel copies them.
    let done = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            (&raw const program).cast(),
            libc::socklen_t::try_from(length).unwrap_or(0),
        )
    };
    Errno::result(done).map(drop)
}
