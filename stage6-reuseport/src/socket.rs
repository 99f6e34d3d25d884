//! Every socket option, in the order of a socket's life.
//!
//! `unsafe` is allowed here and in the files of this directory, and nowhere
//! else.

mod accept;
mod output;
mod quiesce;
pub mod steering;

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, MsgFlags, Shutdown, SockFlag, SockType,
    SockaddrStorage, bind, getsockname, getsockopt, listen as start_listening,
    recv, send, setsockopt, shutdown, socket, sockopt,
};

use self::accept::to_std;
pub use self::accept::{Accepted, accept};
pub use self::output::{abort, send_file, unacknowledged};
pub use self::quiesce::{clear_min_ttl, quiesce};
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
    // SOCK_NONBLOCK: a connection can vanish after epoll has reported it and
    // before we accept it. A blocking `accept` would then stop the event loop.
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(family, SockType::Stream, flags, None)?;

    // Before bind, which is the call it affects. Connections that the server
    // closed stay in TIME_WAIT for a minute, and without this option a restart
    // fails with EADDRINUSE all that time. On Linux it does not let two servers
    // share a port: bind still fails while another socket listens on it.
    setsockopt(&socket, sockopt::ReuseAddr, &true)?;

    // Before bind, on every socket that shares the port, and all of them must
    // belong to the same user. The kernel picks one listener for each new
    // connection by a hash of the addresses and ports, and each listener has
    // its own accept queue. The price: starting a second server on this port by
    // mistake is no longer an error.
    setsockopt(&socket, sockopt::ReusePort, &true)?;

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

    // A client whose machine lost power cannot close its connection. With
    // SO_KEEPALIVE the kernel probes a silent peer, and if no probe is answered
    // the socket becomes ready and reports ETIMEDOUT. By default the first
    // probe is sent after two hours; the three TCP options set that per socket.
    // A live client answers the probes, so it may stay silent for ever.
    if config.keepalive_idle > 0 {
        setsockopt(&socket, sockopt::TcpKeepIdle, &config.keepalive_idle)?;
        let interval = config.keepalive_interval;
        setsockopt(&socket, sockopt::TcpKeepInterval, &interval)?;
        setsockopt(&socket, sockopt::TcpKeepCount, &config.keepalive_count)?;
        setsockopt(&socket, sockopt::KeepAlive, &true)?;
    }

    // The kernel grows both buffers to fit the speed and distance of each
    // connection, up to net.ipv4.tcp_rmem and tcp_wmem. Setting a size turns
    // this off for good: the kernel caps the number at net.core.rmem_max or
    // wmem_max, doubles it for its own bookkeeping, and stays there. So we set
    // nothing unless asked.
    if config.receive_buffer > 0 {
        let size = config.receive_buffer as usize;
        setsockopt(&socket, sockopt::RcvBuf, &size)?;
    }
    if config.send_buffer > 0 {
        let size = config.send_buffer as usize;
        setsockopt(&socket, sockopt::SndBuf, &size)?;
    }

    // The kernel keeps a new connection to itself until its first byte arrives:
    // a silent client costs no descriptor, and a connection that we accept
    // already has something to read. After this many seconds the kernel sends
    // its SYN-ACK again, and when the client acknowledges it, hands the
    // connection over, silent or not (tcp(7)). The time-out for the head starts
    // then.
    if config.defer_accept > 0 {
        let option = libc::TCP_DEFER_ACCEPT;
        set(&socket, libc::IPPROTO_TCP, option, &config.defer_accept)?;
    }

    // How long sent data may stay unacknowledged, in milliseconds, before the
    // kernel gives up: the client vanished in the middle of a response. The
    // default is about a quarter of an hour. SO_KEEPALIVE does not cover this
    // case, because it probes only connections with nothing in flight; there,
    // this time now replaces the number of probes. It also applies after
    // `close`, to data the kernel still has to send. We use three times our own
    // time-out: a small window that keeps closing and opening can look like no
    // progress to the kernel.
    let user_timeout = config.write_timeout.saturating_mul(3000);
    setsockopt(&socket, sockopt::TcpUserTimeout, &user_timeout)?;

    // Lets a returning client send its request in the SYN (RFC 7413); the
    // number limits how many such handshakes may be pending. The network, or an
    // attacker who recorded it, can deliver a SYN twice, so this is only safe
    // for requests that may be answered twice. Off unless asked for.
    if config.fast_open > 0 {
        let option = libc::TCP_FASTOPEN;
        set(&socket, libc::IPPROTO_TCP, option, &config.fast_open)?;
    }

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

/// Creates another socket that listens on the address of `listener`.
///
/// # Errors
/// As for [`listen`].
pub fn listen_again(
    listener: &OwnedFd,
    config: &Config,
) -> io::Result<OwnedFd> {
    let address = local_address(listener)?;
    let v6_only =
        address.is_ipv6() && getsockopt(listener, sockopt::Ipv6V6Only)?;
    Ok(listen(address, v6_only, config)?)
}

/// Sets an option that nix does not know. `value` must have the option's type.
fn set<T>(
    socket: &OwnedFd,
    level: i32,
    option: i32,
    value: &T,
) -> nix::Result<()> {
    let (fd, length) = (socket.as_raw_fd(), size_of::<T>());
    let value = (&raw const *value).cast();
    // SAFETY: the kernel reads `length` bytes of `value`, which outlives the
    // call.
    #[allow(unsafe_code, clippy::cast_possible_truncation)]
    let set = unsafe {
        libc::setsockopt(fd, level, option, value, length as libc::socklen_t)
    };
    Errno::result(set).map(drop)
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
/// With `more` (`MSG_MORE`), the kernel holds a partial last segment for up to
/// 200 ms and fills it with the data of the next call: the head of a response
/// leaves in the same segment as the start of the file.
///
/// # Errors
/// Those of `send(2)`; EPIPE or ECONNRESET when the client has gone, EAGAIN if
/// it would block, or has blocked too long.
pub fn transmit(
    connection: &OwnedFd,
    bytes: &[u8],
    more: bool,
) -> nix::Result<usize> {
    let mut flags = MsgFlags::MSG_NOSIGNAL;
    flags.set(MsgFlags::from_bits_retain(libc::MSG_MORE), more);
    send(connection.as_raw_fd(), bytes, flags)
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
