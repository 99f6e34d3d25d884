//! Which packets a listener hears, by a program that the kernel runs.
//!
//! A program of classic BPF reads a packet and returns how much of it is to be
//! kept (socket(7), `SO_ATTACH_FILTER`). It can only jump forward, so it ends;
//! the kernel checks that, and everybody may attach one to a socket of theirs.

use std::os::fd::OwnedFd;

use nix::errno::Errno;

use super::set;

/// Where in a TCP header the flags are (RFC 9293, section 3.1), in bytes.
const FLAGS: u32 = 13;
const SYN: u32 = 2;

/// Has the kernel take no notice of new connections, as if their SYN had been
/// lost on the way, while those go on that have begun their handshake.
///
/// There is no system call for that, and a listener that is closed resets
/// everybody who believes to be connected: those in its backlog, and those
/// whose handshake ends a moment later. The client of a SYN that is dropped
/// sends it again after a second. Then it finds the listener closed, and is
/// refused, or another server in its place.
pub fn turn_deaf(listener: &OwnedFd) {
    let mut program = [
        statement(libc::BPF_LD | libc::BPF_B | libc::BPF_ABS, FLAGS),
        // On to the next statement if it is set, else to the one after.
        libc::sock_filter {
            jf: 1,
            ..statement(libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K, SYN)
        },
        statement(libc::BPF_RET | libc::BPF_K, 0),
        statement(libc::BPF_RET | libc::BPF_K, u32::MAX),
    ];
    let attached = attach(listener, libc::SO_ATTACH_FILTER, &mut program);
    if let Err(error) = attached {
        log::info!("new connections may be reset: {error}");
    }
}

/// One statement of a program.
#[allow(clippy::cast_possible_truncation)] // All codes have 16 bits.
pub(super) const fn statement(code: u32, k: u32) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt: 0, jf: 0, k }
}

/// Attaches a program by `option`.
pub(super) fn attach(
    listener: &OwnedFd,
    option: i32,
    program: &mut [libc::sock_filter],
) -> nix::Result<()> {
    let len = u16::try_from(program.len()).map_err(|_| Errno::EINVAL)?;
    let program = libc::sock_fprog { len, filter: program.as_mut_ptr() };
    set(listener, libc::SOL_SOCKET, option, &program)
}
