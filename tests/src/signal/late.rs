//! Clients that connect while the listeners are shutting down.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::sys::socket::{getsockopt, sockopt};

use super::{REQUEST, case, send};
use crate::lab::sockets::{start_connecting, writable};
use crate::number::Number;
use crate::server::Server;
use crate::stage::{Case, Outcome, PASSED, Stage};
use crate::wire::Client;

/// Attempts to connect while the listeners still exist: they stay for half a
/// second, and a busy machine may let the client miss that.
const TRIES: usize = 5;

/// The client retransmits a dropped SYN after a second; a refused SYN fails at
/// once. This separates the two.
const BEFORE_RETRANSMISSION: Duration = Duration::from_millis(500);

pub(super) fn cases() -> Vec<Case> {
    vec![Case {
        from: Number::step(5, 7),
        ..case(
            "signal::connect_after_signal",
            "A client that starts to connect after the signal gets no reply while \
         the\nlistener still exists, and is refused once it is closed: no \
         client gets a\nconnection that is then reset. This holds for IPv4, \
         for IPv6, and for IPv4\nthrough an IPv6 listener.",
            connect_after_signal,
        )
    }]
}

fn connect_after_signal(stage: &Stage) -> Outcome {
    let v4 = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let v6 = |port| SocketAddr::from((Ipv6Addr::LOCALHOST, port));
    check(stage, "127.0.0.1:0", v4)?;
    if TcpListener::bind("[::1]:0").is_ok() {
        check(stage, "[::1]:0", v6)?;
        check(stage, "[::]:0", v4)?;
    }
    Ok(PASSED)
}

fn check(
    stage: &Stage,
    listen: &str,
    to_address: impl Fn(u16) -> SocketAddr,
) -> Result<(), String> {
    for _ in 0..TRIES {
        // One loop: several loops would quiesce their listeners one after
        // another.
        let flags = ["--listen", listen, "--idle-timeout", "600"];
        let mut server = stage.start_plain(&flags)?;
        let address = to_address(server.address().port());
        let refused_at_once = is_refused_at_once(&server, stage, address)
            .map_err(|why| format!("{listen}: {why}"))?;
        server.wait_for_exit(stage.ceiling)?;
        if !refused_at_once {
            return Ok(());
        }
    }
    Err(format!("{listen}: the client was refused at once, {TRIES} times"))
}

/// Whether a client that connects after the signal was refused at once.
fn is_refused_at_once(
    server: &Server,
    stage: &Stage,
    address: SocketAddr,
) -> Result<bool, String> {
    let idle = Client::connect(address, stage.ceiling);
    let mut idle = idle.map_err(|error| error.to_string())?;
    idle.ask(REQUEST)?;
    send(server, Signal::SIGTERM)?;
    // Shutdown has begun once the server closes its idle connections.
    idle.wait_for_end()?;
    let wrong = |error: Errno| error.to_string();
    let begun = Instant::now();
    let late = start_connecting(address).map_err(wrong)?;
    if !writable(&late, stage.ceiling).map_err(wrong)? {
        return Err("the client was neither connected nor refused".into());
    }
    let error = getsockopt(&late, sockopt::SocketError).map_err(wrong)?;
    match Errno::from_raw(error) {
        Errno::ECONNREFUSED => Ok(begun.elapsed() < BEFORE_RETRANSMISSION),
        // 0 is no error.
        _ if error == 0 => Err("a client that connected after the signal was \
                                accepted"
            .into()),
        other => Err(format!("not refused: {other}")),
    }
}
