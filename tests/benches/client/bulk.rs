//! Taking a large file without copying it, and without being woken for each
//! piece of it.

use std::net::TcpStream;

use conversations::lab::options;
use nix::errno::Errno;

/// For how many bytes the client sleeps at most.
const ENOUGH: usize = 1024 * 1024;

/// Has the kernel count bytes and throw them away: tcp(7), `MSG_TRUNC`. What it
/// would cost to copy them is not the server's.
///
/// # Errors
/// As recv(2).
pub fn discard(fd: i32, count: usize) -> nix::Result<usize> {
    let flags = libc::MSG_TRUNC | libc::MSG_DONTWAIT;
    // SAFETY: with MSG_TRUNC a stream socket copies nothing to the pointer.
    let got = unsafe { libc::recv(fd, std::ptr::null_mut(), count, flags) };
    Errno::result(got).map(isize::cast_unsigned)
}

/// Has epoll announce the socket when a megabyte has come, or all of `rest` if
/// that is less: socket(7), `SO_RCVLOWAT`.
///
/// On loopback it is the sender who wakes the receiver, within its own `send`.
/// A client that sleeps after each piece is woken for each, and the server's
/// clock pays for it. On a network a card's interrupt would do that.
///
/// # Errors
/// As setsockopt(2).
pub fn wake_at(socket: &TcpStream, rest: usize) -> nix::Result<()> {
    let enough = i32::try_from(rest.clamp(1, ENOUGH)).unwrap_or(1);
    options::set(socket, libc::SOL_SOCKET, libc::SO_RCVLOWAT, enough)
}
