//! Leaving a port without hurting anybody.

use std::os::fd::OwnedFd;

use super::{local_address, set};

/// The longest time to live that a packet can have, in hops.
const MAX_TTL: libc::c_int = 255;

/// Has the kernel take no notice of new connections, as if their SYN had been
/// lost on the way, while those go on that have begun their handshake.
///
/// There is no system call for that, and a listener that is closed resets
/// everybody who believes to be connected: those in its backlog, and those
/// whose handshake ends a moment later. The client of a SYN that is dropped
/// sends it again after a second. Then it finds the listener closed, and is
/// refused, or another server in its place.
///
/// But a socket may ask that packets have come from near (RFC 5082), which is
/// to say with a time to live that few routers have counted down. Hosts begin
/// with 64 or 128, so 255 is more than nearly any has. The ACK that ends a
/// handshake is not asked: it belongs to the handshake, not to the listener.
pub fn quiesce(listener: &OwnedFd) {
    set_min_ttl(listener, MAX_TTL);
}

/// Takes that back for a connection, which has inherited it. What came for it
/// in the meantime its client sends again.
pub fn clear_min_ttl(connection: &OwnedFd) {
    set_min_ttl(connection, 0);
}

/// Drops packets with a shorter time to live: `IP_MINTTL`, ip(7), and for IPv6
/// `IPV6_MINHOPCOUNT`. An IPv6 socket may have IPv4 clients, and takes both.
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
