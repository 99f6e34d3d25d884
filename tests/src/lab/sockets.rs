//! Sockets for experiments, on the loopback interface only.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, SockaddrStorage, getsockname,
    recv, socketpair,
};

use super::CEILING;

/// 127.0.0.1, any free port.
pub const LOOPBACK: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A client and the server's end of its connection. Both block for at most 20
/// s.
///
/// # Errors
/// If there are no descriptors or ports left.
pub fn pair() -> io::Result<(TcpStream, TcpStream)> {
    pair_by(&TcpListener::bind(LOOPBACK)?)
}

/// The same through this listener, whose accept queue must be empty.
///
/// # Errors
/// As connect(2) and accept(2).
pub fn pair_by(listener: &TcpListener) -> io::Result<(TcpStream, TcpStream)> {
    let client = connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    server.set_read_timeout(Some(CEILING))?;
    server.set_write_timeout(Some(CEILING))?;
    Ok((client, server))
}

/// A client whose calls block for at most 20 s.
///
/// # Errors
/// As connect(2).
pub fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let client = TcpStream::connect_timeout(&address, CEILING)?;
    client.set_read_timeout(Some(CEILING))?;
    client.set_write_timeout(Some(CEILING))?;
    Ok(client)
}

/// Discards everything that arrives, without copying it (tcp(7), `MSG_TRUNC`).
#[must_use]
pub fn swallow(reader: TcpStream) -> JoinHandle<nix::Result<()>> {
    thread::spawn(move || {
        let flag = MsgFlags::from_bits_retain(libc::MSG_TRUNC);
        let mut space = vec![0; 1 << 20];
        while recv(reader.as_raw_fd(), &mut space, flag)? > 0 {}
        Ok(())
    })
}

/// A socket with no option set except `SOCK_CLOEXEC`. The standard library sets
/// `SO_REUSEADDR` on its listeners, which would spoil some experiments.
///
/// # Errors
/// EAFNOSUPPORT, if the kernel does not know the family.
pub fn plain(family: AddressFamily) -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC;
    nix::sys::socket::socket(family, SockType::Stream, flags, None)
}

/// A plain IPv4 socket.
///
/// # Errors
/// As socket(2).
pub fn plain_v4() -> nix::Result<OwnedFd> {
    plain(AddressFamily::Inet)
}

/// Binds to an address.
///
/// # Errors
/// As bind(2).
pub fn bind(socket: &impl AsFd, address: SocketAddr) -> nix::Result<()> {
    let fd = socket.as_fd().as_raw_fd();
    nix::sys::socket::bind(fd, &SockaddrStorage::from(address))
}

/// Calls listen(2) with exactly this backlog; nix limits the value.
///
/// # Errors
/// As listen(2).
pub fn listen(socket: &impl AsFd, backlog: i32) -> nix::Result<()> {
    // SAFETY: no pointers are passed.
    let done = unsafe { libc::listen(socket.as_fd().as_raw_fd(), backlog) };
    Errno::result(done).map(drop)
}

/// Returns `count` connected descriptors with nothing to read, except the
/// first, which has one byte.
///
/// # Errors
/// EMFILE.
pub fn idle(count: usize) -> nix::Result<Vec<OwnedFd>> {
    let (family, flags) = (AddressFamily::Unix, SockFlag::SOCK_CLOEXEC);
    let mut all = Vec::new();
    while all.len() < count {
        let (one, other) = socketpair(family, SockType::Stream, None, flags)?;
        if all.is_empty() {
            nix::unistd::write(&other, b"x")?;
        }
        all.extend([one, other]);
    }
    Ok(all)
}

/// Plain accept(2), with no flags: the standard library asks for
/// `SOCK_CLOEXEC`.
///
/// # Errors
/// As accept(2).
pub fn accept(listener: &impl AsFd) -> nix::Result<OwnedFd> {
    let fd = nix::sys::socket::accept(listener.as_fd().as_raw_fd())?;
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Starts to connect without waiting for the handshake.
///
/// # Errors
/// As connect(2), but for EINPROGRESS.
pub fn start_connecting(address: SocketAddr) -> nix::Result<OwnedFd> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::Inet,
        SocketAddr::V6(_) => AddressFamily::Inet6,
    };
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let client =
        nix::sys::socket::socket(family, SockType::Stream, flags, None)?;
    let address = SockaddrStorage::from(address);
    match nix::sys::socket::connect(client.as_raw_fd(), &address) {
        Ok(()) | Err(Errno::EINPROGRESS) => Ok(client),
        Err(error) => Err(error),
    }
}

/// The local address.
///
/// # Errors
/// As getsockname(2), or if it isn't an IP address.
pub fn address(socket: &impl AsFd) -> io::Result<SocketAddr> {
    let fd = socket.as_fd().as_raw_fd();
    let local = getsockname::<SockaddrStorage>(fd)?;
    if let Some(v4) = local.as_sockaddr_in() {
        return Ok((v4.ip(), v4.port()).into());
    }
    let v6 = local.as_sockaddr_in6();
    let v6 = v6.ok_or(io::ErrorKind::Unsupported)?;
    Ok((v6.ip(), v6.port()).into())
}

/// Waits for data or a connection to accept; says whether one came in time.
///
/// # Errors
/// As poll(2).
pub fn readable(socket: &impl AsFd, within: Duration) -> nix::Result<bool> {
    ready(socket, PollFlags::POLLIN, within)
}

/// Waits for room to send, or for a connect(2) in progress to finish; says
/// whether that happened in time.
///
/// # Errors
/// As poll(2).
pub fn writable(socket: &impl AsFd, within: Duration) -> nix::Result<bool> {
    ready(socket, PollFlags::POLLOUT, within)
}

fn ready(
    socket: &impl AsFd,
    what: PollFlags,
    within: Duration,
) -> nix::Result<bool> {
    let mut wanted = [PollFd::new(socket.as_fd(), what)];
    let within = PollTimeout::try_from(within).unwrap_or(PollTimeout::MAX);
    Ok(poll(&mut wanted, within)? > 0)
}
