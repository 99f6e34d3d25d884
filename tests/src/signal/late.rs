//! Who comes when the listeners are about to go.

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

/// How often it is tried to come while the listeners are there: they stay for
/// half a second, which a busy machine may take from the client.
const TRIES: usize = 5;

/// A SYN that was dropped is sent again after a second, one that is refused is
/// refused at once.
const AGAIN: Duration = Duration::from_millis(500);

pub(super) fn cases() -> Vec<Case> {
    vec![Case {
        from: Number::step(5, 7),
        ..case(
            "signal::too_late",
            "A client that starts to connect after the signal gets no reply \
             while the\n\
             listener is open, and is refused once it is closed: none gets a \
             connection\n\
             that is then reset. This holds over IPv4, over IPv6, and over \
             IPv4 to an\n\
             IPv6 listener.",
            too_late,
        )
    }]
}

fn too_late(stage: &Stage) -> Outcome {
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
    way: impl Fn(u16) -> SocketAddr,
) -> Result<(), String> {
    for _ in 0..TRIES {
        // One loop: of several, each turns deaf when it is its turn.
        let flags = ["--listen", listen, "--idle-timeout", "600"];
        let mut server = stage.start_plain(&flags)?;
        let address = way(server.address().port());
        let heard = come_late(&server, stage, address)
            .map_err(|why| format!("{listen}: {why}"))?;
        server.wait_for_exit(stage.ceiling)?;
        if !heard {
            return Ok(());
        }
    }
    Err(format!("{listen}: refused at once, {TRIES} times"))
}

/// Whether a client that comes after the signal was refused at once.
fn come_late(
    server: &Server,
    stage: &Stage,
    address: SocketAddr,
) -> Result<bool, String> {
    let idle = Client::connect(address, stage.ceiling);
    let mut idle = idle.map_err(|error| error.to_string())?;
    idle.ask(REQUEST)?;
    send(server, Signal::SIGTERM)?;
    // It has begun to stop once it closes who is idle.
    idle.wait_for_end()?;
    let wrong = |error: Errno| error.to_string();
    let begun = Instant::now();
    let late = start_connecting(address).map_err(wrong)?;
    if !writable(&late, stage.ceiling).map_err(wrong)? {
        return Err("neither connected nor refused".into());
    }
    let error = getsockopt(&late, sockopt::SocketError).map_err(wrong)?;
    match Errno::from_raw(error) {
        Errno::ECONNREFUSED => Ok(begun.elapsed() < AGAIN),
        // 0 is no error.
        _ if error == 0 => Err("a client that came late is connected".into()),
        other => Err(format!("not refused: {other}")),
    }
}
