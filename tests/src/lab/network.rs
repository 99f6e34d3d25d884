//! A network of the lab's own: nothing on it but a loopback (namespaces(7)).

use std::os::fd::AsRawFd as _;

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};

use super::sockets::plain_v4;
use super::{Stop, not_here};

/// Moves the process into a network of its own, with sysctls, routes and caches
/// that are fresh. It must not have a second thread yet. An ordinary user gets
/// it together with a user namespace, where the system allows that.
///
/// # Errors
/// If neither is allowed, or the loopback can't be set up.
pub fn alone() -> Result<(), Stop> {
    let (net, user) = (CloneFlags::CLONE_NEWNET, CloneFlags::CLONE_NEWUSER);
    let moved = unshare(net | user).or_else(|_| unshare(net));
    moved.map_err(|_| not_here("no network namespaces are allowed"))?;
    loopback_up().map_err(|_| not_here("the loopback can't be set up"))
}

/// A new loopback is down (netdevice(7), `SIOCSIFFLAGS`).
fn loopback_up() -> nix::Result<()> {
    let socket = plain_v4()?;
    // SAFETY: a structure of numbers, for which zeros are a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    request.ifr_name[0] = b'l'.cast_signed();
    request.ifr_name[1] = b'o'.cast_signed();
    request.ifr_ifru.ifru_flags =
        libc::c_short::try_from(libc::IFF_UP | libc::IFF_RUNNING).unwrap_or(0);
    // SAFETY: the kernel reads one structure, which lives during the call.
    let done = unsafe {
        let fd = socket.as_raw_fd();
        libc::ioctl(fd, libc::SIOCSIFFLAGS, &raw const request)
    };
    Errno::result(done).map(drop)
}
