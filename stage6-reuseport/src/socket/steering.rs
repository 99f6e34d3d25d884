//! Steering: which listener of a port gets a new connection.
//!
//! The listeners of a port form a group, numbered in the order in which they
//! called `listen(2)`. The kernel can run a classic BPF program for each SYN
//! that returns the number of the listener to use (socket(7)). If no listener
//! has that number, the kernel falls back to its hash, as without a program.
//! Classic BPF can only jump forward, so every program terminates; the kernel
//! verifies that, and attaching one needs no privilege.

use std::os::fd::OwnedFd;

use nix::errno::Errno;

use super::set;

/// Loads the number of the CPU that handles the packet.
const LOAD_CPU: libc::sock_filter = statement(
    libc::BPF_LD | libc::BPF_W | libc::BPF_ABS,
    (libc::SKF_AD_OFF + libc::SKF_AD_CPU).cast_unsigned(),
);

/// Steers each connection to the loop with the number of the CPU that received
/// its SYN, modulo `loops`.
///
/// # Errors
/// Those of `setsockopt(2)`.
pub fn by_cpu(listener: &OwnedFd, loops: usize) -> nix::Result<()> {
    let modulo = statement(
        libc::BPF_ALU | libc::BPF_MOD | libc::BPF_K,
        u32::try_from(loops).unwrap_or(1),
    );
    let number = statement(libc::BPF_RET | libc::BPF_A, 0);
    let program = &mut [LOAD_CPU, modulo, number];
    attach(listener, program)
}

/// Steers all new connections to the first listener after the `loops` ones of
/// this server: it belongs to the server that replaces us, if there is one.
///
/// Quiescing a listener is not enough, because the kernel would keep choosing
/// it, and its share of the clients would lose a second to the repeated SYN.
pub fn to_successor(listener: &OwnedFd, loops: usize) {
    let number = u32::try_from(loops).unwrap_or(u32::MAX);
    let number = statement(libc::BPF_RET | libc::BPF_K, number);
    if let Err(error) = attach(listener, &mut [number]) {
        log::info!("cannot steer connections to another server: {error}");
    }
}

/// Detaches the group's program, if it has one: the server before us may have
/// left it. If that fails, steering goes on, and no client is lost.
pub fn by_hash(listener: &OwnedFd) {
    let option = libc::SO_DETACH_REUSEPORT_BPF;
    match set(listener, libc::SOL_SOCKET, option, &0) {
        // ENOENT: no program is attached.
        Ok(()) | Err(Errno::ENOENT) => {}
        Err(error) => log::info!("cannot detach a program: {error}"),
    }
}

/// One instruction of a program.
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
