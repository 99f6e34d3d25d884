//! Taking connections from the accept queue.
//!
//! `accept4(2)` returns a bare descriptor number and fills in a raw address.
//! Turning them into an owned descriptor and an address takes `unsafe`.

use std::mem::{MaybeUninit, size_of};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{SockaddrLike, SockaddrStorage};

/// The size of a buffer that holds an address of any family, in bytes.
#[allow(clippy::cast_possible_truncation)] // It is 128.
const ADDRESS_SIZE: libc::socklen_t =
    size_of::<libc::sockaddr_storage>() as libc::socklen_t;

/// The outcome of `accept4(2)`.
pub enum Accepted {
    /// A connection and its client's address. A client that reached an IPv6
    /// socket over IPv4 is shown with its IPv4 address.
    Connection(OwnedFd, IpAddr),
    /// The accept queue is empty: EAGAIN.
    WouldBlock,
    /// This connection is gone, or a signal interrupted the call; try the next
    /// one. ECONNABORTED: the client gave up while it was in the accept queue.
    /// The others are network errors of that connection (accept(2)).
    Aborted(Errno),
    /// The connection stays in the accept queue: no descriptor is free in this
    /// process (EMFILE) or on the system (ENFILE), or there is no memory
    /// (ENOBUFS, ENOMEM). Retrying at once would spin, and so it would with an
    /// error that we do not know.
    OutOfResources(Errno),
}

/// Accepts the next connection, if there is one.
///
/// On Linux a connection does not inherit `O_NONBLOCK` from its listener, so we
/// ask for it here. Without it everything works until one client goes quiet.
///
/// # Errors
/// Those that mean a bug of ours: EBADF, EINVAL, ENOTSOCK and EFAULT.
pub fn accept(listener: &OwnedFd) -> nix::Result<Accepted> {
    let mut address = MaybeUninit::<libc::sockaddr_storage>::zeroed();
    let mut length = ADDRESS_SIZE;
    // SAFETY: `address` holds `length` bytes, and both outlive the call.
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
    // SAFETY: the kernel just created this descriptor, and nothing else owns
    // it.
    #[allow(unsafe_code)]
    let connection = unsafe { OwnedFd::from_raw_fd(accepted) };
    // SAFETY: the kernel filled in `length` bytes; the rest is zero.
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
            log::info!("a connection was lost before accept: {error}");
            Ok(Accepted::Aborted(error))
        }
        _ => {
            log::warn!("cannot accept: {error}");
            Ok(Accepted::OutOfResources(error))
        }
    }
}

/// Converts an IPv4 or IPv6 address to the standard library's type.
pub(super) fn to_std(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|&v4| SocketAddr::V4(v4.into()));
    let v6 = || address.as_sockaddr_in6().map(|&v6| SocketAddr::V6(v6.into()));
    v4.or_else(v6)
}
