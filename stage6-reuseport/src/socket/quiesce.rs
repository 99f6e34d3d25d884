//! Quiescing a listener: no new handshakes, so that it can be closed without
//! resetting anyone.

use std::os::fd::OwnedFd;

use super::{local_address, set};

/// The highest TTL a packet can have, in hops.
const MAX_TTL: libc::c_int = 255;

/// Makes the kernel drop the SYNs of new clients, as if the network had lost
/// them, while handshakes that have begun still complete.
///
/// No system call does that directly, and closing a listener resets every
/// client that already believes it is connected: those in the accept queue and
/// those whose handshake completes a moment later. A client whose SYN is
/// dropped sends it again after a second. By then the listener is closed, and
/// the client is refused, or another server has taken its place.
///
/// We borrow an option meant for something else: a socket may require a
/// minimum TTL, to accept only packets from nearby (RFC 5082). Hosts start with
/// a TTL of 64 or 128, so hardly any packet reaches 255. The ACK that completes
/// a handshake is not checked, because it is matched to the handshake and not
/// to the listener.
pub fn quiesce(listener: &OwnedFd) {
    set_min_ttl(listener, MAX_TTL);
}

/// Lifts the requirement from an accepted connection, which inherited it. Its
/// client retransmits whatever was dropped in the meantime.
pub fn clear_min_ttl(connection: &OwnedFd) {
    set_min_ttl(connection, 0);
}

/// Drops packets with a lower TTL: `IP_MINTTL` (ip(7)) and, for IPv6,
/// `IPV6_MINHOPCOUNT`. An IPv6 socket may have IPv4 clients, so it gets both.
fn set_min_ttl(socket: &OwnedFd, hops: libc::c_int) {
    let mut done = set(socket, libc::IPPROTO_IP, libc::IP_MINTTL, &hops);
    if local_address(socket).is_ok_and(|address| address.is_ipv6()) {
        let option = libc::IPV6_MINHOPCOUNT;
        done = done.and(set(socket, libc::IPPROTO_IPV6, option, &hops));
    }
    if let Err(error) = done {
        log::info!("new connections may be reset: {error}");
    }
}
