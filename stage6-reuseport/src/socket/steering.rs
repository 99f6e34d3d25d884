//! Which of the listeners on a port gets a new connection.
//!
//! The listeners of a port are a group, numbered in the order of their
//! `listen(2)`. A program of classic BPF, run by the kernel for each SYN, may
//! return the number of the one that is to have it (socket(7)). If there is none
//! of that number, the kernel chooses by its hash, as it does without a
//! program.

use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::sys::socket::{setsockopt, sockopt};

use super::set_int;

/// Loads the number of the processor that handles the packet.
const LOAD_CPU: libc::sock_filter = statement(
    libc::BPF_LD | libc::BPF_W | libc::BPF_ABS,
    (libc::SKF_AD_OFF + libc::SKF_AD_CPU).cast_unsigned(),
);

/// Gives each connection to the loop with the number of the processor that its
/// SYN came in on, modulo `loops`; with `None`, takes away whatever program the
/// group has, perhaps from a server before us.
///
/// # Errors
/// What `setsockopt(2)` says.
pub fn by_cpu(listener: &OwnedFd, loops: Option<usize>) -> nix::Result<()> {
    let Some(loops) = loops else { return detach(listener) };
    let modulo = statement(
        libc::BPF_ALU | libc::BPF_MOD | libc::BPF_K,
        u32::try_from(loops).unwrap_or(1),
    );
    let number = statement(libc::BPF_RET | libc::BPF_A, 0);
    attach(listener, &mut [LOAD_CPU, modulo, number])
}

/// Gives all connections from now on to the first listener behind the `loops`
/// ones of this server: one of the server that replaces it, if there is one.
///
/// The kernel has no other way to leave a group and lose nobody. It chooses a
/// listener at the SYN and stays with it, and who is in the backlog of one
/// that is closed is reset.
pub fn past(listener: &OwnedFd, loops: usize) {
    let number = u32::try_from(loops).unwrap_or(u32::MAX);
    let number = statement(libc::BPF_RET | libc::BPF_K, number);
    if let Err(error) = attach(listener, &mut [number]) {
        log::info!("cannot steer connections to another server: {error}");
    }
}

#[allow(clippy::cast_possible_truncation)] // All codes have 16 bits.
const fn statement(code: u32, k: u32) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt: 0, jf: 0, k }
}

fn attach(
    listener: &OwnedFd,
    program: &mut [libc::sock_filter],
) -> nix::Result<()> {
    let program = libc::sock_fprog {
        len: u16::try_from(program.len()).unwrap_or(0),
        filter: program.as_mut_ptr(),
    };
    setsockopt(listener, sockopt::AttachReusePortCbpf, &program)
}

fn detach(listener: &OwnedFd) -> nix::Result<()> {
    let option = libc::SO_DETACH_REUSEPORT_BPF;
    match set_int(listener, libc::SOL_SOCKET, option, 0) {
        // There was no program.
        Err(Errno::ENOENT) => Ok(()),
        done => done,
    }
}
