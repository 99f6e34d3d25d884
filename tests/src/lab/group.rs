//! Listeners that share a port (socket(7), `SO_REUSEPORT`).

use std::net::{SocketAddr, TcpListener};

use nix::sys::socket::{setsockopt, sockopt};

use super::Stop;
use super::sockets::{LOOPBACK, address, bind, listen, plain_v4};

/// A non-blocking listener, with or without the option.
///
/// # Errors
/// EADDRINUSE, if it may not join the group.
pub fn member(place: SocketAddr, option: bool) -> nix::Result<TcpListener> {
    let socket = plain_v4()?;
    setsockopt(&socket, sockopt::ReusePort, &option)?;
    bind(&socket, place)?;
    listen(&socket, 1024)?;
    nix::fcntl::fcntl(
        &socket,
        nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::O_NONBLOCK),
    )?;
    Ok(socket.into())
}

/// Four members of one group, and their address.
///
/// # Errors
/// As [`member`].
pub fn four() -> Result<([TcpListener; 4], SocketAddr), Stop> {
    let first = member(LOOPBACK, true)?;
    let place = address(&first)?;
    let more = || member(place, true);
    Ok(([first, more()?, more()?, more()?], place))
}
