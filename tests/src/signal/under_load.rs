//! SIGTERM under load: no answer is lost.

use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use super::load::{CLIENTS, Load, under, until_count};
use super::{case, ended, send};
use crate::number::Number;
use crate::server::Server;
use crate::stage::{self, Case, Outcome, PASSED, Stage};

/// How often the server is ended.
const ROUNDS: usize = 3;

/// How many answers there must be before anything happens.
const WARM: usize = 200;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            from: Number::step(5, 7),
            ..case(
                "signal::under_load",
                "SIGTERM arrives while clients send requests as fast as they \
                 can. On a new\n\
                 connection each request gets its whole response, or the \
                 connection is\n\
                 refused. On a kept-alive connection the server may close \
                 instead of\n\
                 responding, but not reset (RFC 9112 section 9.3.1). A \
                 response that has\n\
                 begun is complete.",
                under_load,
            )
        },
        case(
            "signal::under_wrk",
            "SIGTERM arrives while wrk runs: wrk counts as many responses as \
             the access\n\
             log has lines, and no response is aborted.",
            under_wrk,
        ),
        Case {
            from: Number::step(6, 4),
            ..case(
                "signal::replaced_under_load",
                "A new server joins the old one on its port, and the old one \
                 is stopped,\n\
                 three times in a row under load. No connection is refused, \
                 and no response\n\
                 lost.",
                replaced,
            )
        },
    ]
}

fn under_load(stage: &Stage) -> Outcome {
    for round in 1..=ROUNDS {
        let mut server = stage.start(&["--quiet", "--drain-timeout", "600"])?;
        let lost = load_until_refused(&server, stage)?;
        if let Some(first) = lost.first() {
            let count = lost.len();
            return Err(format!(
                "round {round}: {count} of {} clients lost an answer; one: \
                 {first}",
                3 * CLIENTS
            )
            .into());
        }
        let (_, cut) = ended(&mut server, stage)?;
        if cut > 0 {
            return Err(format!("round {round}: {cut} cut off").into());
        }
    }
    Ok(PASSED)
}

/// Ends the server under load, and returns what clients complain of.
fn load_until_refused(
    server: &Server,
    stage: &Stage,
) -> Result<Vec<String>, String> {
    let load = Load::new(server, true);
    under(&load, || {
        until_count(&load, WARM, stage)?;
        send(server, Signal::SIGTERM)
    })
}

/// Two servers listen on one port for a while, and then the old one ends.
fn replaced(stage: &Stage) -> Outcome {
    let flags = ["--quiet", "--drain-timeout", "600"];
    let mut old = stage.start(&flags)?;
    let address = old.address().to_string();
    let same = [&flags[..], &["--listen", &address]].concat();
    let load = Load::new(&old, false);
    let lost = under(&load, || {
        for _ in 0..ROUNDS {
            until_count(&load, WARM, stage)?;
            let new = stage.start(&same)?;
            until_count(&load, WARM, stage)?;
            send(&old, Signal::SIGTERM)?;
            let (_, cut) = ended(&mut old, stage)?;
            if cut > 0 {
                return Err(format!("{cut} cut off"));
            }
            old = new;
        }
        until_count(&load, WARM, stage)
    })?;
    if let Some(first) = lost.first() {
        let count = lost.len();
        let why = format!("{count} clients lost an answer; one: {first}");
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
    // The access log has a line for each answer.
    let _ = server.stdout.wait_for(WARM, stage.ceiling);
    send(&server, Signal::SIGTERM)?;
    let (_, cut) = ended(&mut server, stage)?;
    let sent = server.stdout.wait_for_end(stage.ceiling).len();
    // The first line says where it listens.
    let sent = sent.saturating_sub(1);
    let text = wrk.wait_with_output()?.stdout;
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().find(|line| line.contains(" requests in "));
    let came = line.and_then(|line| line.split_whitespace().next());
    let came = came.and_then(|came| came.parse::<usize>().ok());
    if cut > 0 || came != Some(sent) || text.contains("Non-2xx") {
        return Err(format!(
            "{sent} answers were finished and {cut} cut off; wrk says:\n{text}"
        )
        .into());
    }
    Ok(PASSED)
}
