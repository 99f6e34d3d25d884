//! Taking connections from the backlog.
//!
//! `accept4(2)` returns a bare number and fills in an address, and somebody has
//! to say whose they are: hence the `unsafe`.

use std::mem::{MaybeUninit, size_of};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{SockaddrLike, SockaddrStorage};

/// Room for the address of any family, in bytes.
#[allow(clippy::cast_possible_truncation)] // It is 128.
const ADDRESS_SIZE: libc::socklen_t =
    size_of::<libc::sockaddr_storage>() as libc::socklen_t;

/// What came of an `accept4(2)`.
pub enum Accepted {
    /// A connection, and its client's address. An IPv4 client of an IPv6
    /// socket gets its IPv4 address back.
    Connection(OwnedFd, IpAddr),
    /// None waits: EAGAIN.
    WouldBlock,
    /// One that is no more, or none because of a signal; the next may be
    /// well. ECONNABORTED: the client gave up while it waited in the backlog.
    /// Others are errors that the network had for it (accept(2)).
    Aborted(Errno),
    /// One that had to stay in the backlog, because no descriptor is free, in
    /// this process (EMFILE) or anywhere (ENFILE), or no memory (ENOBUFS,
    /// ENOMEM). To try again at once would spin; so it would with an error
    /// that nobody has foreseen.
    OutOfResources(Errno),
}

/// Takes the next connection, if one waits.
///
/// `O_NONBLOCK` is not inherited from the listener on Linux, so it is asked
/// for here. Without it everything works, until one client keeps quiet.
///
/// # Errors
/// Those that mean a mistake of ours: EBADF, EINVAL, ENOTSOCK and EFAULT.
pub fn accept(listener: &OwnedFd) -> nix::Result<Accepted> {
    let mut address = MaybeUninit::<libc::sockaddr_storage>::zeroed();
    let mut length = ADDRESS_SIZE;
    // SAFETY: the address has room for `length` bytes, and both outlive the
    // call.
    #[allow(unsafe_code)]
    let accepted = unsafe {
        libc::accept4(
            listener.as_raw_fd(),
            address.as_mut_ptr().cast(),
            &raw mut length,
            libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK,
        )
    };
    if let Err(error) = Errno::result(accepted) {
        return classify(error);
    }
    // SAFETY: the kernel has just made this descriptor, for us alone.
    #[allow(unsafe_code)]
    let connection = unsafe { OwnedFd::from_raw_fd(accepted) };
    // SAFETY: the kernel has filled in `length` bytes; the rest is zero.
    #[allow(unsafe_code)]
    let address = unsafe {
        SockaddrStorage::from_raw(address.as_ptr().cast(), Some(length))
    };
    let client = address.as_ref().and_then(to_std).map(|address| address.ip());
    let client = client.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
    Ok(Accepted::Connection(connection, client.to_canonical()))
}

fn classify(error: Errno) -> nix::Result<Accepted> {
    match error {
        Errno::EAGAIN => Ok(Accepted::WouldBlock),
        Errno::EBADF | Errno::EINVAL | Errno::ENOTSOCK | Errno::EFAULT => {
            Err(error)
        }
        Errno::EINTR
        | Errno::ECONNABORTED
        | Errno::EPERM
        | Errno::EPROTO
        | Errno::ENOPROTOOPT
        | Errno::EOPNOTSUPP
        | Errno::ENETDOWN
        | Errno::ENETUNREACH
        | Errno::EHOSTDOWN
        | Errno::EHOSTUNREACH
        | Errno::ENONET => {
            log::info!("a connection was lost: {error}");
            Ok(Accepted::Aborted(error))
        }
        _ => {
            log::warn!("cannot accept: {error}");
            Ok(Accepted::OutOfResources(error))
        }
    }
}

/// The address as the standard library has it, if it is one of IP.
pub(super) fn to_std(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|&v4| SocketAddr::V4(v4.into()));
    let v6 = || address.as_sockaddr_in6().map(|&v6| SocketAddr::V6(v6.into()));
    v4.or_else(v6)
}
