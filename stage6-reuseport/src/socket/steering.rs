//! Which of the listeners on a port gets a new connection.
//!
//! The listeners of a port are a group, numbered in the order of their
//! `listen(2)`. A program of classic BPF, run by the kernel for each SYN, may
//! return the number of the one that is to have it (socket(7)). If there is
//! none of that number, the kernel chooses by its hash, as it does without a
//! program. Such a program can only jump forward, so it ends; the kernel checks
//! that, and everybody may attach one to a group of theirs.

use std::os::fd::OwnedFd;

use nix::errno::Errno;

use super::set;

/// Loads the number of the processor that handles the packet.
const LOAD_CPU: libc::sock_filter = statement(
    libc::BPF_LD | libc::BPF_W | libc::BPF_ABS,
    (libc::SKF_AD_OFF + libc::SKF_AD_CPU).cast_unsigned(),
);

/// Gives each connection to the loop with the number of the processor that its
/// SYN came in on, modulo `loops`.
///
/// # Errors
/// What `setsockopt(2)` says.
pub fn by_cpu(listener: &OwnedFd, loops: usize) -> nix::Result<()> {
    let modulo = statement(
        libc::BPF_ALU | libc::BPF_MOD | libc::BPF_K,
        u32::try_from(loops).unwrap_or(1),
    );
    let number = statement(libc::BPF_RET | libc::BPF_A, 0);
    let program = &mut [LOAD_CPU, modulo, number];
    attach(listener, program)
}

/// Gives all connections from now on to the first listener behind the `loops`
/// ones of this server: one of the server that replaces it, if there is one.
///
/// A listener that only turns deaf would cost its share of the clients a
/// second, since the kernel would go on choosing it.
pub fn to_successor(listener: &OwnedFd, loops: usize) {
    let number = u32::try_from(loops).unwrap_or(u32::MAX);
    let number = statement(libc::BPF_RET | libc::BPF_K, number);
    if let Err(error) = attach(listener, &mut [number]) {
        log::info!("cannot steer connections to another server: {error}");
    }
}

/// Takes away the program that a group has, if it has one, perhaps from a
/// server before us.
///
/// # Errors
/// What `setsockopt(2)` says.
pub fn by_hash(listener: &OwnedFd) -> nix::Result<()> {
    let option = libc::SO_DETACH_REUSEPORT_BPF;
    match set(listener, libc::SOL_SOCKET, option, &0) {
        // There was no program.
        Err(Errno::ENOENT) => Ok(()),
        done => done,
    }
}

/// One statement of a program.
#[allow(clippy::cast_possible_truncation)] // All codes have 16 bits.
const fn statement(code: u32, k: u32) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt: 0, jf: 0, k }
}

fn attach(
    listener: &OwnedFd,
    program: &mut [libc::sock_filter],
) -> nix::Result<()> {
    let len = u16::try_from(program.len()).map_err(|_| Errno::EINVAL)?;
    let program = libc::sock_fprog { len, filter: program.as_mut_ptr() };
    let option = libc::SO_ATTACH_REUSEPORT_CBPF;
    set(listener, libc::SOL_SOCKET, option, &program)
}
