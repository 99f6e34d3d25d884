//! Standard output and standard error, which must never block the server.
//!
//! When a reader stops reading, its pipe fills up, and a blocking `write` waits
//! for it for ever. `O_NONBLOCK` is no cure: it belongs to the open file
//! description, which we share with the shell and other programs (open(2)). So
//! we ask poll(2) first, and write no more than is sure to fit.

use std::io::{self, Write};
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::write;

/// The most bytes of one `write` to a pipe, `PIPE_BUF` in pipe(7): they fit
/// whenever poll(2) reports the pipe writable, and are never interleaved with
/// what another process writes.
pub const ATOMIC: usize = libc::PIPE_BUF;

/// Writes whole lines from the start of `text`, and returns how many bytes were
/// written. A disk that is nearly full may take only part of a line.
///
/// # Errors
/// EAGAIN if `write` would block, and what write(2) returns.
pub fn write_lines(fd: impl AsFd, text: &[u8]) -> nix::Result<usize> {
    let mode = fstat(fd.as_fd())?.st_mode;
    // A file is never full for a while, and takes any number of lines at once.
    if SFlag::from_bits_truncate(mode) & SFlag::S_IFMT == SFlag::S_IFREG {
        return write(fd, text);
    }
    let mut list = [PollFd::new(fd.as_fd(), PollFlags::POLLOUT)];
    if poll(&mut list, PollTimeout::ZERO)? == 0 {
        return Err(Errno::EAGAIN);
    }
    let text = text.get(..ATOMIC).unwrap_or(text);
    let end = memchr::memrchr(b'\n', text).map_or(text.len(), |at| at + 1);
    write(fd, text.get(..end).unwrap_or(text))
}

/// Standard error for diagnostics. What it cannot take at once is dropped: a
/// message about a problem must not become the next problem.
pub struct Diagnostics;

impl Write for Diagnostics {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        loop {
            match write_lines(io::stderr(), text) {
                Err(Errno::EINTR) => {}
                Ok(count) if count > 0 => return Ok(count),
                Ok(_) | Err(_) => return Ok(text.len()),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
