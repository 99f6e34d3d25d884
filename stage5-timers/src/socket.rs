//! Every socket option, in the order of a socket's life.
//!
//! With the files of its folder the only room with `unsafe` in it.

mod accept;
mod output;
mod quiesce;

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, MsgFlags, Shutdown, SockFlag, SockType,
    SockaddrStorage, bind, getsockname, listen as start_listening, recv, send,
    setsockopt, shutdown, socket, sockopt,
};

use self::accept::to_std;
pub use self::accept::{Accepted, accept};
pub use self::output::{abort, send_file, unacknowledged};
pub use self::quiesce::{clear_min_ttl, quiesce};
use crate::config::{Config, MAX_IO};

/// How many connections may wait to be accepted. The kernel takes it as a
/// wish: it is cut to net.core.somaxconn, which has been 4096 since Linux 5.4,
/// and one more than the number fits (listen(2)).
const BACKLOG: i32 = 1024;

/// Makes a socket that listens on `address`.
///
/// An IPv6 socket on `::` would serve IPv4 clients too, and with `v6_only` it
/// does not.
///
/// # Errors
/// What `socket(2)`, `setsockopt(2)`, `bind(2)` or `listen(2)` say: most
/// often EADDRINUSE or EACCES.
pub fn listen(
    address: SocketAddr,
    v6_only: bool,
    config: &Config,
) -> nix::Result<OwnedFd> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::Inet,
        SocketAddr::V6(_) => AddressFamily::Inet6,
    };
    // SOCK_CLOEXEC: a child that inherits the listener would keep the port
    // busy after we are gone. Set here and not by fcntl(2) afterwards, when
    // another thread may have forked already.
    // SOCK_NONBLOCK: a connection can vanish between the moment when epoll
    // announces it and the `accept`, which would then sleep.
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(family, SockType::Stream, flags, None)?;

    // Before bind, or it has no effect on it. Without it a restart fails with
    // EADDRINUSE for a minute, as long as connections that we closed are in
    // TIME_WAIT. On Linux it does not let two servers share a port: a socket
    // that listens is in the way nevertheless.
    setsockopt(&socket, sockopt::ReuseAddr, &true)?;

    // Before bind, where it decides which ports are taken. The default comes
    // from net.ipv6.bindv6only and differs between systems, so it is always
    // said.
    if address.is_ipv6() {
        setsockopt(&socket, sockopt::Ipv6V6Only, &v6_only)?;
    }

    // Nagle's algorithm (RFC 9293, section 3.7.4) holds back a segment that
    // is not full until the one before it is acknowledged, and the client's
    // kernel holds back that acknowledgement for up to 40 ms. Whoever writes
    // whole answers gains nothing from waiting. Set on the listener, since on
    // Linux each connection inherits it: one call, and not one a connection.
    setsockopt(&socket, sockopt::TcpNoDelay, &true)?;

    // A client whose machine has lost power sends nothing, not even that. With
    // SO_KEEPALIVE the kernel asks now and then, and a client that does not
    // answer makes the connection ready with ETIMEDOUT. The default is to ask
    // after two hours; the three numbers belong to TCP and are per socket.
    // A client that is there and silent answers, and may stay.
    if config.keepalive_idle > 0 {
        setsockopt(&socket, sockopt::TcpKeepIdle, &config.keepalive_idle)?;
        let interval = config.keepalive_interval;
        setsockopt(&socket, sockopt::TcpKeepInterval, &interval)?;
        setsockopt(&socket, sockopt::TcpKeepCount, &config.keepalive_count)?;
        setsockopt(&socket, sockopt::KeepAlive, &true)?;
    }

    // The kernel makes both buffers larger as a connection proves fast and far,
    // up to net.ipv4.tcp_rmem and tcp_wmem. To set a size switches that off
    // for good: the kernel doubles the number for its own bookkeeping, cuts it
    // to net.core.rmem_max or wmem_max, and stays there. So nothing is set
    // unless it is asked for.
    if config.receive_buffer > 0 {
        let size = config.receive_buffer as usize;
        setsockopt(&socket, sockopt::RcvBuf, &size)?;
    }
    if config.send_buffer > 0 {
        let size = config.send_buffer as usize;
        setsockopt(&socket, sockopt::SndBuf, &size)?;
    }

    // Until its first byte a connection stays with the kernel, and we know
    // nothing of it: no descriptor for somebody who says nothing, and no event
    // before there is something to read. When the time is over, the kernel
    // repeats its half of the handshake, and with the client's answer hands
    // the connection over as it is, silent (tcp(7)). What is left of the time
    // for a head begins then.
    if config.defer_accept > 0 {
        let option = libc::TCP_DEFER_ACCEPT;
        set(&socket, libc::IPPROTO_TCP, option, &config.defer_accept)?;
    }

    // How long bytes that we have sent may go unacknowledged, in milliseconds,
    // before the kernel gives up the connection: a client that has vanished in
    // the middle of an answer. By default that takes a quarter of an hour.
    // SO_KEEPALIVE does not see to it, since it asks on quiet connections
    // only; and there too this time counts from now on, and no longer the
    // number of questions. It goes on after `close`, for what we have left to
    // the kernel. Three times our own limit: of a small window that closes and
    // opens again and again the kernel may see no progress where there is some.
    let user_timeout = config.write_timeout.saturating_mul(3000);
    setsockopt(&socket, sockopt::TcpUserTimeout, &user_timeout)?;

    // Before there is a connection, which inherits both: how large a window it
    // will ever offer is settled in its handshake. The kernel makes 1 into the
    // least it allows, some 2 KiB in and 4 KiB out (socket(7)).
    if config.io_limit < MAX_IO {
        setsockopt(&socket, sockopt::RcvBuf, &1)?;
        setsockopt(&socket, sockopt::SndBuf, &1)?;
    }

    bind(socket.as_raw_fd(), &SockaddrStorage::from(address))?;
    start_listening(&socket, Backlog::new(BACKLOG)?)?;
    Ok(socket)
}

/// Sets an option that nix has no name for. `value` is of the type that the
/// option wants.
fn set<T>(
    socket: &OwnedFd,
    level: i32,
    option: i32,
    value: &T,
) -> nix::Result<()> {
    let (fd, length) = (socket.as_raw_fd(), size_of::<T>());
    let value = (&raw const *value).cast();
    // SAFETY: the kernel reads `length` bytes, which outlive the call.
    #[allow(unsafe_code, clippy::cast_possible_truncation)]
    let set = unsafe {
        libc::setsockopt(fd, level, option, value, length as libc::socklen_t)
    };
    Errno::result(set).map(drop)
}

/// The address a socket is bound to. It says which port 0 has become.
///
/// # Errors
/// What `getsockname(2)` says.
pub fn local_address(socket: &OwnedFd) -> io::Result<SocketAddr> {
    let address = getsockname::<SockaddrStorage>(socket.as_raw_fd())?;
    to_std(&address).ok_or_else(|| io::ErrorKind::Unsupported.into())
}

/// Receives what is there, into `buffer`. 0 means that the client sends no
/// more.
///
/// # Errors
/// What `recv(2)` says; EAGAIN if it would have to sleep.
pub fn receive(connection: &OwnedFd, buffer: &mut [u8]) -> nix::Result<usize> {
    recv(connection.as_raw_fd(), buffer, MsgFlags::empty())
}

/// Hands bytes to the kernel and returns how many it took.
///
/// `MSG_NOSIGNAL`: to send to a client that has reset the connection would
/// otherwise raise SIGPIPE, which ends a process. Rust's runtime ignores that
/// signal before `main`, so here the flag changes nothing; but a server should
/// not stand on what its runtime does, and an ignored signal is inherited by
/// programs it starts, which may not expect that.
///
/// With `more` (`MSG_MORE`), what is left of the last segment waits for the
/// next call and goes out with what that brings, or after 200 ms: the head of
/// an answer in the same segment as the beginning of its file.
///
/// # Errors
/// What `send(2)` says; EPIPE or ECONNRESET when the client has gone, EAGAIN
/// if it would have to sleep.
pub fn transmit(
    connection: &OwnedFd,
    bytes: &[u8],
    more: bool,
) -> nix::Result<usize> {
    let mut flags = MsgFlags::MSG_NOSIGNAL;
    flags.set(MsgFlags::from_bits_retain(libc::MSG_MORE), more);
    send(connection.as_raw_fd(), bytes, flags)
}

/// Says that no more will be sent: the client reads to the end and then 0.
///
/// `SO_LINGER` stays as it is, off: `close` then returns at once and the
/// kernel goes on sending. With a time, `close` would sleep; with time 0 it
/// would do what [`abandon`] wants.
///
/// # Errors
/// What `shutdown(2)` says; ENOTCONN when the client has reset it already.
pub fn shutdown_write(connection: &OwnedFd) -> nix::Result<()> {
    shutdown(connection.as_raw_fd(), Shutdown::Write)
}
