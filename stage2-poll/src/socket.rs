//! Every socket option, in the order of a socket's life.
//!
//! `unsafe` is allowed here and in the files of this directory, and nowhere
//! else.

mod accept;

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{
    AddressFamily, Backlog, MsgFlags, Shutdown, SockFlag, SockType,
    SockaddrStorage, bind, getsockname, listen as start_listening, recv, send,
    setsockopt, shutdown, socket, sockopt,
};

use self::accept::to_std;
pub use self::accept::{Accepted, accept};
use crate::config::{Config, MAX_IO};

/// The limit of the accept queue, in connections. The kernel caps it at
/// net.core.somaxconn, 4096 since Linux 5.4, and admits one more than the
/// number it is given (listen(2)).
const BACKLOG: i32 = 1024;

/// Creates a socket that listens on `address`.
///
/// An IPv6 socket bound to `::` also serves IPv4 clients, unless `v6_only` is
/// set.
///
/// # Errors
/// Those of `socket(2)`, `setsockopt(2)`, `bind(2)` and `listen(2)`: most often
/// EADDRINUSE or EACCES.
pub fn listen(
    address: SocketAddr,
    v6_only: bool,
    config: &Config,
) -> nix::Result<OwnedFd> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::Inet,
        SocketAddr::V6(_) => AddressFamily::Inet6,
    };
    // SOCK_CLOEXEC: a child process that inherits the listener keeps the port
    // busy after we exit. A later fcntl(2) would leave a gap in which another
    // thread can fork.
    // SOCK_NONBLOCK: a connection can vanish after `poll` has reported it and
    // before we accept it. A blocking `accept` would then stop the event loop.
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(family, SockType::Stream, flags, None)?;

    // Before bind, which is the call it affects. Connections that the server
    // closed stay in TIME_WAIT for a minute, and without this option a restart
    // fails with EADDRINUSE all that time. On Linux it does not let two servers
    // share a port: bind still fails while another socket listens on it.
    setsockopt(&socket, sockopt::ReuseAddr, &true)?;

    // Before bind, where it decides which ports are taken. The default differs
    // between systems (net.ipv6.bindv6only), so we always set it.
    if address.is_ipv6() {
        setsockopt(&socket, sockopt::Ipv6V6Only, &v6_only)?;
    }

    // Nagle's algorithm (RFC 9293, section 3.7.4) holds a partial segment back
    // until the previous one is acknowledged, and the client's kernel may delay
    // that acknowledgement by 40 ms. A server that writes whole responses gains
    // nothing from the wait. On Linux, accepted sockets inherit the option from
    // the listener, so one call is enough.
    setsockopt(&socket, sockopt::TcpNoDelay, &true)?;

    // On the listener, so that connections inherit both: the handshake fixes
    // the largest window a connection can ever offer. The kernel raises 1 to
    // its minimum, about 2 KiB for receiving and 4 KiB for sending (socket(7)).
    if config.io_limit < MAX_IO {
        setsockopt(&socket, sockopt::RcvBuf, &1)?;
        setsockopt(&socket, sockopt::SndBuf, &1)?;
    }

    bind(socket.as_raw_fd(), &SockaddrStorage::from(address))?;
    start_listening(&socket, Backlog::new(BACKLOG)?)?;
    Ok(socket)
}

/// The address a socket is bound to: it tells which port the kernel chose for
/// port 0.
///
/// # Errors
/// Those of `getsockname(2)`.
pub fn local_address(socket: &OwnedFd) -> io::Result<SocketAddr> {
    let address = getsockname::<SockaddrStorage>(socket.as_raw_fd())?;
    to_std(&address).ok_or_else(|| io::ErrorKind::Unsupported.into())
}

/// Receives available bytes into `buffer` and returns their number. 0 means
/// EOF: the client has closed its sending side.
///
/// # Errors
/// Those of `recv(2)`; EAGAIN if it would block, or has blocked too long.
pub fn receive(connection: &OwnedFd, buffer: &mut [u8]) -> nix::Result<usize> {
    recv(connection.as_raw_fd(), buffer, MsgFlags::empty())
}

/// Hands bytes to the kernel and returns how many it accepted.
///
/// `MSG_NOSIGNAL`: sending to a client that has reset the connection raises
/// SIGPIPE, which kills the process by default. Rust's runtime ignores SIGPIPE
/// before `main`, so here the flag changes nothing. But a server should not
/// depend on its runtime for that, and child processes inherit an ignored
/// signal, which they may not expect.
///
/// # Errors
/// Those of `send(2)`; EPIPE or ECONNRESET when the client has gone, EAGAIN if
/// it would block, or has blocked too long.
pub fn transmit(connection: &OwnedFd, bytes: &[u8]) -> nix::Result<usize> {
    send(connection.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL)
}

/// Closes the sending side: the client reads to the end and then gets EOF.
///
/// We leave `SO_LINGER` off: `close` returns at once and the kernel sends what
/// is left. With a time, `close` would block; with time 0 it would discard
/// unsent data and reset the connection.
///
/// # Errors
/// Those of `shutdown(2)`; ENOTCONN when the client has reset the connection.
pub fn shutdown_write(connection: &OwnedFd) -> nix::Result<()> {
    shutdown(connection.as_raw_fd(), Shutdown::Write)
}
