//! How the process exits.

use std::os::unix::process::ExitStatusExt as _;

use nix::sys::signal::Signal;

use super::{REQUEST, case, expect_exit, last_response, send, until_closed};
use crate::files;
use crate::fixtures;
use crate::stage::{Case, Outcome, PASSED, Stage};
use crate::wire::client::End;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "signal::idle",
            "SIGTERM and SIGINT close the connections without a request in \
             flight, and\nthe process exits with code 0.",
            idle,
        ),
        case(
            "signal::drain_timeout",
            "The server waits --drain-timeout for a client that doesn't read \
             its\nresponse. Then it aborts the connection with a reset, so the \
             client can't\ntake the response for complete. The server logs the \
             abort and exits with\ncode 0.",
            drain_timeout,
        ),
        case(
            "signal::second_signal",
            "The second signal kills the process at once.",
            second_signal,
        ),
        case(
            "signal::restart",
            "After the server has exited, the next one can listen on the same \
             port at\nonce, although the server closed its connections first.",
            restart,
        ),
    ]
}

fn idle(stage: &Stage) -> Outcome {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut flags = vec!["--drain-timeout", "600"];
        // No other time-out must close them.
        flags.extend(["--idle-timeout", "600", "--head-timeout", "600"]);
        let mut server = stage.start_plain(&flags)?;
        let mut silent = server.connect()?;
        let mut idle = server.connect()?;
        idle.ask(REQUEST)?;
        send(&server, signal)?;
        for client in [&mut silent, &mut idle] {
            client.wait_for_end()?;
            if client.end != End::Closed {
                return Err(format!("{signal}: {:?}", client.end).into());
            }
        }
        expect_exit(&mut server, stage, (0, 0))?;
    }
    Ok(PASSED)
}

fn drain_timeout(stage: &Stage) -> Outcome {
    fixtures::site().big()?;
    let mut server = stage.start_plain(&["--drain-timeout", "1"])?;
    let mut client = files::begin(&server, stage, "big.bin")?;
    send(&server, Signal::SIGTERM)?;
    expect_exit(&mut server, stage, (0, 1))?;
    client.wait_for_end()?;
    if client.received.len() >= fixtures::BIG || client.end != End::Reset {
        let count = client.received.len();
        return Err(format!("{count} bytes, then {:?}", client.end).into());
    }
    Ok(PASSED)
}

fn second_signal(stage: &Stage) -> Outcome {
    fixtures::site().big()?;
    for second in [Signal::SIGTERM, Signal::SIGINT] {
        let mut server = stage.start_plain(&["--drain-timeout", "600"])?;
        let _client = files::begin(&server, stage, "big.bin")?;
        send(&server, Signal::SIGTERM)?;
        until_closed(&server, stage)?;
        send(&server, second)?;
        let status = server.wait_for_exit(stage.ceiling)?;
        if status.signal() != Some(second as i32) {
            return Err(
                format!("after a second signal, {second}: {status}").into()
            );
        }
    }
    Ok(PASSED)
}

fn restart(stage: &Stage) -> Outcome {
    let mut server = stage.start_plain(&[])?;
    let address = server.address().to_string();
    for _ in 0..3 {
        let mut client = server.connect()?;
        client.ask(REQUEST)?;
        // Half a head, so that a request is in flight.
        client.send(&REQUEST[..20])?;
        client.settle(stage.ceiling);
        send(&server, Signal::SIGTERM)?;
        until_closed(&server, stage)?;
        client.send(&REQUEST[20..])?;
        last_response(&mut client)?;
        expect_exit(&mut server, stage, (1, 0))?;
        server = stage.start_plain(&["--listen", &address])?;
        server.check_alive()?;
    }
    Ok(PASSED)
}
