//! SIGTERM under load: no client loses a response.

use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use super::load::{CLIENTS, Load, under, until_count};
use super::{case, send, wait_for_summary};
use crate::number::Number;
use crate::server::Server;
use crate::stage::{self, Case, Outcome, PASSED, Stage};

/// Number of times that we stop the server.
const ROUNDS: usize = 3;

/// Responses to wait for before each step.
const WARM_UP: usize = 200;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            from: Number::step(5, 7),
            ..case(
                "signal::under_load",
                "SIGTERM arrives while clients send requests as fast as they can. \
                 On a new\nconnection each request gets its whole response, or the \
                 connection is\nrefused. On a kept-alive connection the server may \
                 close instead of\nresponding, but not reset (RFC 9112 section \
                 9.3.1). A response that has\nbegun is completed.",
                under_load,
            )
        },
        case(
            "signal::under_wrk",
            "SIGTERM arrives while wrk is measuring: wrk counts as many \
             responses as the\naccess log has lines, and none is aborted.",
            under_wrk,
        ),
        Case {
            from: Number::step(6, 4),
            ..case(
                "signal::replaced_under_load",
                "A new server joins the old one on its port, and the old one \
                 is stopped,\nthree times in a row and under load. No \
                 connection is refused, and no\nresponse is lost.",
                replaced,
            )
        },
    ]
}

fn under_load(stage: &Stage) -> Outcome {
    for round in 1..=ROUNDS {
        let mut server = stage.start(&["--quiet", "--drain-timeout", "600"])?;
        let failures = load_until_refused(&server, stage)?;
        if let Some(first) = failures.first() {
            let count = failures.len();
            return Err(format!(
                "round {round}: {count} of {} clients lost a response; the \
                 first: {first}",
                3 * CLIENTS
            )
            .into());
        }
        let (_, aborted) = wait_for_summary(&mut server, stage)?;
        if aborted > 0 {
            return Err(
                format!("round {round}: {aborted} responses aborted").into()
            );
        }
    }
    Ok(PASSED)
}

/// Stops the server under load, and returns the clients' failures.
fn load_until_refused(
    server: &Server,
    stage: &Stage,
) -> Result<Vec<String>, String> {
    let load = Load::new(server, true);
    under(&load, || {
        until_count(&load, WARM_UP, stage)?;
        send(server, Signal::SIGTERM)
    })
}

/// Two servers share a port for a while, then the old one stops.
fn replaced(stage: &Stage) -> Outcome {
    let flags = ["--quiet", "--drain-timeout", "600"];
    let mut old = stage.start(&flags)?;
    let address = old.address().to_string();
    let same = [&flags[..], &["--listen", &address]].concat();
    let load = Load::new(&old, false);
    let failures = under(&load, || {
        for _ in 0..ROUNDS {
            until_count(&load, WARM_UP, stage)?;
            let new = stage.start(&same)?;
            until_count(&load, WARM_UP, stage)?;
            send(&old, Signal::SIGTERM)?;
            let (_, aborted) = wait_for_summary(&mut old, stage)?;
            if aborted > 0 {
                return Err(format!("{aborted} responses aborted"));
            }
            old = new;
        }
        until_count(&load, WARM_UP, stage)
    })?;
    if let Some(first) = failures.first() {
        let count = failures.len();
        let why =
            format!("{count} clients lost a response; the first: {first}");
        return Err(why.into());
    }
    old.check_alive()?;
    Ok(PASSED)
}

fn under_wrk(stage: &Stage) -> Outcome {
    if !stage::has_tool("wrk") {
        return stage::skip("signal::under_wrk", "wrk");
    }
    let mut server = stage.start(&["--drain-timeout", "600"])?;
    let url = format!("http://{}/mebibyte.bin", server.address());
    let wrk = Command::new("wrk")
        .args(["-t1", "-c16", "-d2s", &url])
        .stdout(Stdio::piped())
        .spawn()?;
    // The access log has one line per response.
    let _ = server.stdout.wait_for(WARM_UP, stage.ceiling);
    send(&server, Signal::SIGTERM)?;
    let (_, aborted) = wait_for_summary(&mut server, stage)?;
    let sent = server.stdout.wait_for_end(stage.ceiling).len();
    // The first line is `listening on …`.
    let sent = sent.saturating_sub(1);
    let text = wrk.wait_with_output()?.stdout;
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().find(|line| line.contains(" requests in "));
    let received = line.and_then(|line| line.split_whitespace().next());
    let received = received.and_then(|received| received.parse::<usize>().ok());
    if aborted > 0 || received != Some(sent) || text.contains("Non-2xx") {
        return Err(format!(
            "{sent} responses were finished and {aborted} aborted; wrk \
             prints:\n{text}"
        )
        .into());
    }
    Ok(PASSED)
}
