//! Receives a large file without copying it, and without a wake-up per piece.

use std::net::TcpStream;

use conversations::lab::options;
use nix::errno::Errno;

/// The client sleeps until at most this many bytes have arrived.
const ENOUGH: usize = 1024 * 1024;

/// Makes the kernel count bytes and discard them: tcp(7), `MSG_TRUNC`. Copying
/// them would be the client's cost, not the server's.
///
/// # Errors
/// As recv(2).
pub fn discard(fd: i32, count: usize) -> nix::Result<usize> {
    let flags = libc::MSG_TRUNC | libc::MSG_DONTWAIT;
    // SAFETY: with MSG_TRUNC a stream socket copies nothing to the pointer.
    let got = unsafe { libc::recv(fd, std::ptr::null_mut(), count, flags) };
    Errno::result(got).map(isize::cast_unsigned)
}

/// Makes epoll report the socket when a megabyte has arrived, or all of `rest`
/// if that is less: socket(7), `SO_RCVLOWAT`.
///
/// On loopback the sender wakes the receiver, within its own `send`. A client
/// that sleeps after each piece causes a wake-up for each, and the server's CPU
/// time includes it. On a network, a network card's interrupt would do that.
///
/// # Errors
/// As setsockopt(2).
pub fn wake_at(socket: &TcpStream, rest: usize) -> nix::Result<()> {
    let enough = i32::try_from(rest.clamp(1, ENOUGH)).unwrap_or(1);
    options::set(socket, libc::SOL_SOCKET, libc::SO_RCVLOWAT, enough)
}
