//! What the kernel does with what we send, beyond sending it.

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::sendfile::sendfile64;
use nix::sys::socket::{setsockopt, sockopt};

/// Has the kernel send `most` bytes of a file, from `offset` on, and returns
/// how many it took. The pages of the file go to the network as they are: no
/// copy into this process, and none out of it again. 0 is the file's end.
///
/// The call sleeps while a page is read from the disk, and the loop with it.
///
/// # Errors
/// What `sendfile(2)` says; EINVAL or ENOSYS when the file system can't do it,
/// EAGAIN if it would have to sleep for want of room.
pub fn send_file(
    connection: &OwnedFd,
    file: &File,
    offset: u64,
    most: usize,
) -> nix::Result<usize> {
    let mut offset = i64::try_from(offset).map_err(|_| Errno::EOVERFLOW)?;
    sendfile64(connection, file, Some(&mut offset), most)
}

/// How many of the bytes that the kernel has taken the client has not
/// acknowledged.
#[must_use]
pub fn unacknowledged(connection: &OwnedFd) -> u64 {
    let mut count: libc::c_int = 0;
    // SAFETY: TIOCOUTQ, which tcp(7) calls SIOCOUTQ, writes one int.
    #[allow(unsafe_code)]
    let done = unsafe {
        libc::ioctl(connection.as_raw_fd(), libc::TIOCOUTQ, &raw mut count)
    };
    if done < 0 { 0 } else { u64::try_from(count).unwrap_or(0) }
}

/// Has `close` throw away what is unsent and reset the connection: for a client
/// that takes nothing more. Otherwise the kernel would keep all of it, waiting
/// for this client to read, for as long as `TCP_USER_TIMEOUT` says. No other
/// connection is closed in this way.
pub fn abort(connection: &OwnedFd) {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    // If it fails, the kernel waits.
    let _ = setsockopt(connection, sockopt::Linger, &linger);
}
