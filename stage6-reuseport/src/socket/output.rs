//! Sending beyond `send(2)`: files, acknowledgements, and the deliberate reset.

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::sendfile::sendfile64;
use nix::sys::socket::{setsockopt, sockopt};

/// Has the kernel send up to `most` bytes of a file, starting at `offset`, and
/// returns how many it accepted; 0 means the end of the file. The data goes
/// from the page cache to the socket without passing through this process.
///
/// The call blocks while a page is read from disk, and the event loop with it.
///
/// # Errors
/// Those of `sendfile(2)`; EINVAL or ENOSYS when the file system does not
/// support it, EAGAIN if the send buffer is full.
pub fn send_file(
    connection: &OwnedFd,
    file: &File,
    offset: u64,
    most: usize,
) -> nix::Result<usize> {
    let mut offset = i64::try_from(offset).map_err(|_| Errno::EOVERFLOW)?;
    sendfile64(connection, file, Some(&mut offset), most)
}

/// The number of bytes in the send buffer that the client has not acknowledged.
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

/// Makes `close` discard unsent data and reset the connection: for a client
/// that no longer reads. Otherwise the kernel would keep the data, waiting for
/// this client, until `TCP_USER_TIMEOUT` expires. No other connection is closed
/// this way.
pub fn abort(connection: &OwnedFd) {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    // If this fails, the kernel waits for the client instead.
    let _ = setsockopt(connection, sockopt::Linger, &linger);
}
