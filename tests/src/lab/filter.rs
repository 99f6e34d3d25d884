//! Programs of one instruction that the kernel runs for packets, in classic
//! BPF (socket(7)).

use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;

/// Makes a socket drop whatever arrives for it, unseen and unanswered, as if
/// its machine had lost power (socket(7), `SO_ATTACH_FILTER`).
///
/// # Errors
/// As setsockopt(2); EPERM where only root may attach one.
pub fn deafen(socket: &impl AsFd) -> nix::Result<()> {
    // Keep 0 bytes of each segment.
    answer(socket, libc::SO_ATTACH_FILTER, 0)
}

/// Gives all new connections to one listener of the group that this one is of,
/// the one of this number, from 0 (socket(7), `SO_ATTACH_REUSEPORT_CBPF`).
///
/// # Errors
/// As setsockopt(2).
pub fn steer(listener: &impl AsFd, number: u32) -> nix::Result<()> {
    answer(listener, libc::SO_ATTACH_REUSEPORT_CBPF, number)
}

/// A program that says the same number of each packet.
fn answer(socket: &impl AsFd, option: i32, number: u32) -> nix::Result<()> {
    let code = u16::try_from(libc::BPF_RET | libc::BPF_K).unwrap_or(0);
    let mut only = libc::sock_filter { code, jt: 0, jf: 0, k: number };
    let program = libc::sock_fprog { len: 1, filter: &raw mut only };
    let length = size_of::<libc::sock_fprog>();
    // SAFETY: the program has one instruction; both live during the call, in
    // which the kernel copies them.
    let done = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            option,
            (&raw const program).cast(),
            libc::socklen_t::try_from(length).unwrap_or(0),
        )
    };
    Errno::result(done).map(drop)
}
