//! Which packets the kernel delivers to a socket, and which socket of a group
//! gets a connection.

use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;

use super::options;

/// Makes a socket drop every packet that arrives for it, without a reply, as if
/// its machine had lost power. It accepts only packets with a time to live of
/// 255, and packets on loopback have 64 (ip(7), `IP_MINTTL`).
///
/// # Errors
/// As setsockopt(2).
pub fn deafen(socket: &impl AsFd) -> nix::Result<()> {
    options::set(socket, libc::IPPROTO_IP, libc::IP_MINTTL, 255)
}

/// Steers all new connections to listener `number`, from 0, of this listener's
/// reuseport group (socket(7), `SO_ATTACH_REUSEPORT_CBPF`).
///
/// # Errors
/// As setsockopt(2).
pub fn steer(listener: &impl AsFd, number: u32) -> nix::Result<()> {
    // A classic BPF program of one instruction, which returns the same number
    // for every packet.
    let code = u16::try_from(libc::BPF_RET | libc::BPF_K).unwrap_or(0);
    let mut only = libc::sock_filter { code, jt: 0, jf: 0, k: number };
    let program = libc::sock_fprog { len: 1, filter: &raw mut only };
    let length = size_of::<libc::sock_fprog>();
    // SAFETY: the program has one instruction; both live during the call, in
    // which the kernel copies them.
    let done = unsafe {
        libc::setsockopt(
            listener.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_REUSEPORT_CBPF,
            (&raw const program).cast(),
            libc::socklen_t::try_from(length).unwrap_or(0),
        )
    };
    Errno::result(done).map(drop)
}
