//! The sockets of another process: found in /proc, duplicated with
//! `pidfd_getfd(2)`.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::sys::socket::{
    SockaddrStorage, getpeername, getsockname, getsockopt, sockopt,
};

/// A socket of the server: its number there, and our duplicate.
#[derive(Debug)]
pub struct Borrowed {
    /// The server's number for it.
    pub number: RawFd,
    /// Our descriptor for the same socket.
    pub fd: OwnedFd,
}

/// All sockets of the process.
///
/// # Errors
/// If it has exited, or the kernel denies access: we must be its parent, or
/// have `CAP_SYS_PTRACE`.
pub fn all(pid: i32) -> io::Result<Vec<Borrowed>> {
    // SAFETY: no pointers are passed.
    let pidfd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let pidfd = owned(pidfd)?;
    let mut sockets = Vec::new();
    for entry in fs::read_dir(format!("/proc/{pid}/fd"))? {
        let entry = entry?;
        let target = fs::read_link(entry.path()).unwrap_or_default();
        let number = entry.file_name().to_string_lossy().parse();
        let is_socket = target.to_string_lossy().starts_with("socket:");
        let (true, Ok(number)) = (is_socket, number) else { continue };
        // SAFETY: no pointers are passed.
        let fd = unsafe {
            libc::syscall(
                libc::SYS_pidfd_getfd,
                pidfd.as_raw_fd(),
                number as RawFd,
                0,
            )
        };
        sockets.push(Borrowed { number, fd: owned(fd)? });
    }
    Ok(sockets)
}

fn owned(result: libc::c_long) -> io::Result<OwnedFd> {
    let fd = RawFd::try_from(result).map_err(io::Error::other)?;
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

impl Borrowed {
    /// Whether it is the listener bound to `address`.
    #[must_use]
    pub fn listens_on(&self, address: SocketAddr) -> bool {
        let listens = getsockopt(&self.fd, sockopt::AcceptConn);
        listens == Ok(true) && self.local() == Some(address)
    }

    /// Whether it is the server's end of the connection of `client`.
    #[must_use]
    pub fn is_connected_to(&self, client: SocketAddr) -> bool {
        let peer = getpeername::<SockaddrStorage>(self.fd.as_raw_fd());
        peer.ok().and_then(|peer| to_std(&peer)) == Some(client)
    }

    fn local(&self) -> Option<SocketAddr> {
        let local = getsockname::<SockaddrStorage>(self.fd.as_raw_fd());
        to_std(&local.ok()?)
    }

    /// The descriptor's flags in the server (`proc_pid_fdinfo(5)`): our
    /// duplicate has its own close-on-exec flag.
    ///
    /// # Errors
    /// If the descriptor has been closed.
    pub fn flags(&self, pid: i32) -> io::Result<i32> {
        let path = format!("/proc/{pid}/fdinfo/{}", self.number);
        let text = fs::read_to_string(path)?;
        let flags = text.lines().find_map(|line| line.strip_prefix("flags:"));
        i32::from_str_radix(flags.unwrap_or("").trim(), 8)
            .map_err(io::Error::other)
    }
}

fn to_std(address: &SockaddrStorage) -> Option<SocketAddr> {
    if let Some(v4) = address.as_sockaddr_in() {
        return Some(SocketAddr::from((v4.ip(), v4.port())));
    }
    let v6 = address.as_sockaddr_in6()?;
    Some(SocketAddr::from((v6.ip(), v6.port())))
}
