//! The end of a server, by a signal: what is under way is finished, nothing
//! begins, and nobody is lost.

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

/// Waits for the end, which must be with exit code 0 and one line that says
/// how many answers were finished and how many cut off.
fn ended(server: &mut Server, stage: &Stage) -> Result<(u64, u64), String> {
    let status = server.wait_for_exit(stage.ceiling)?;
    let stderr = server.stderr.wait_for_end(stage.ceiling);
    if status.code() != Some(0) {
        return Err(format!("it ended with {status}: {stderr:#?}"));
    }
    let start = format!("{}: stopped: ", stage.name);
    let mut lines = stderr.iter().filter_map(|line| line.strip_prefix(&start));
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return Err(format!("one line `{start}…` was due: {stderr:#?}"));
    };
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        [finished, "responses", "finished,", cut, "aborted"] => {
            let number = |text: &str| text.parse().map_err(|_| line.to_owned());
            Ok((number(finished)?, number(cut)?))
        }
        _ => Err(format!("it said: {line}")),
    }
}

/// As [`ended`], with these counts.
fn must_end(
    server: &mut Server,
    stage: &Stage,
    due: (u64, u64),
) -> Result<(), String> {
    let counts = ended(server, stage)?;
    if counts == due {
        return Ok(());
    }
    let ((finished, cut), (f, c)) = (counts, due);
    Err(format!(
        "it counts {finished} answers finished and {cut} cut off; {f} and {c} \
         were due"
    ))
}

/// Fails unless the last answer is a whole 200 that announces the end, and
/// the end has come in order.
fn last_answer(client: &mut Client) -> Result<(), String> {
    client.wait_for_end()?;
    let end = client.end;
    let Some(answer) = client.reader.answers.last() else {
        return Err(format!("no answer, and then {end:?}"));
    };
    let close = answer.field("Connection").unwrap_or("");
    let whole = answer.status == 200 && answer.missing == 0;
    if whole
        && close.eq_ignore_ascii_case("close")
        && end == crate::wire::client::End::Closed
    {
        return Ok(());
    }
    let head = String::from_utf8_lossy(&answer.head);
    Err(format!("{head}{} bytes missing, then {end:?}", answer.missing))
}
