//! Graceful shutdown by a signal: requests in flight are finished, new ones are
//! not begun, and no client loses a response.

mod ends;
mod late;
mod load;
mod under_load;
mod waiting;

use std::net::TcpStream;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::number::Number;
use crate::process;
use crate::server::Server;
use crate::stage::{Case, Outcome, Stage};
use crate::wire::Client;

const REQUEST: &[u8] = b"GET /hello.txt HTTP/1.1\r\nHost: end\r\n\r\n";

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    [ends::cases(), late::cases(), waiting::cases(), under_load::cases()]
        .concat()
}

fn case(
    name: &'static str,
    promise: &'static str,
    run: fn(&Stage) -> Outcome,
) -> Case {
    let (from, until) = (Number::step(5, 6), Number::EVER);
    Case { name, promise, from, until, any_server: false, run }
}

fn send(server: &Server, signal: Signal) -> Result<(), String> {
    kill(Pid::from_raw(server.pid()), signal).map_err(|e| e.to_string())
}

/// Waits until the server accepts no more connections.
///
/// # Errors
/// When the ceiling is reached.
pub(crate) fn until_closed(
    server: &Server,
    stage: &Stage,
) -> Result<(), String> {
    process::until("the listener to be closed", stage.ceiling, || {
        TcpStream::connect(server.address()).is_err()
    })
}

/// Waits for exit code 0 and one line that says how many responses were
/// finished and how many aborted. Returns the two counts.
fn wait_for_summary(
    server: &mut Server,
    stage: &Stage,
) -> Result<(u64, u64), String> {
    let status = server.wait_for_exit(stage.ceiling)?;
    let stderr = server.stderr.wait_for_end(stage.ceiling);
    if status.code() != Some(0) {
        return Err(format!("the server ended with {status}: {stderr:#?}"));
    }
    let start = format!("{}: stopped: ", stage.name);
    let mut lines = stderr.iter().filter_map(|line| line.strip_prefix(&start));
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return Err(format!("expected one line `{start}…`, got {stderr:#?}"));
    };
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        [finished, "responses", "finished,", aborted, "aborted"] => {
            let number = |text: &str| text.parse().map_err(|_| line.to_owned());
            Ok((number(finished)?, number(aborted)?))
        }
        _ => Err(format!("unexpected summary: {line}")),
    }
}

/// As [`wait_for_summary`], and checks the counts.
fn expect_exit(
    server: &mut Server,
    stage: &Stage,
    expected: (u64, u64),
) -> Result<(), String> {
    let counts = wait_for_summary(server, stage)?;
    if counts == expected {
        return Ok(());
    }
    let ((finished, aborted), (f, c)) = (counts, expected);
    Err(format!(
        "the server counts {finished} responses finished and {aborted} \
         aborted; expected {f} and {c}"
    ))
}

/// Fails unless the last response is a complete 200 with `Connection: close`,
/// followed by an orderly close.
fn last_response(client: &mut Client) -> Result<(), String> {
    client.wait_for_end()?;
    let end = client.end;
    let Some(response) = client.reader.responses.last() else {
        return Err(format!("no response, then {end:?}"));
    };
    let close = response.field("Connection").unwrap_or("");
    let complete = response.status == 200 && response.missing == 0;
    if complete
        && close.eq_ignore_ascii_case("close")
        && end == crate::wire::client::End::Closed
    {
        return Ok(());
    }
    let head = String::from_utf8_lossy(&response.head);
    Err(format!("{head}{} bytes missing, then {end:?}", response.missing))
}
