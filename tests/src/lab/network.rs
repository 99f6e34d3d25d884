//! A private network: a namespace with nothing but a loopback device
//! (namespaces(7)).

use std::os::fd::AsRawFd as _;

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};

use super::sockets::plain_v4;
use super::{Stop, not_here};

/// Moves the process into a network namespace of its own, with fresh sysctls,
/// routes and caches. The process must not have a second thread yet. An
/// ordinary user needs a user namespace as well, where the system allows that.
///
/// # Errors
/// If the system allows neither, or the loopback can't be set up.
pub fn alone() -> Result<(), Stop> {
    let (net, user) = (CloneFlags::CLONE_NEWNET, CloneFlags::CLONE_NEWUSER);
    let moved = unshare(net | user).or_else(|_| unshare(net));
    moved.map_err(|_| not_here("no network namespaces are allowed"))?;
    loopback_up().map_err(|_| not_here("the loopback can't be set up"))
}

/// A new loopback device is down (netdevice(7), `SIOCSIFFLAGS`).
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
