//! Large files that change while they are sent, and parts of them.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;

use crate::fixtures::{self, pattern};
use crate::large;
use crate::number::Number;
use crate::server::Server;
use crate::stage::{Case, Outcome, PASSED, Stage};
use crate::wire::Client;
use crate::wire::client::End;

/// How large the file is when it is asked for: far more than all buffers.
const LENGTH: usize = 16 << 20;

/// What is left of it.
const LEFT: usize = 12 << 20;

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    let case = |name, any_server, promise, run| Case {
        name,
        promise,
        from: Number::stage(1),
        until: Number::EVER,
        any_server,
        run,
    };
    vec![
        case(
            "files::shrinks_while_sent",
            false,
            "A file is truncated while it is sent. The client gets the bytes \
             that exist,\n\
             no padding, and then the end of the connection: it sees that \
             bytes are\n\
             missing.",
            shrinks,
        ),
        case(
            "files::grows_while_sent",
            false,
            "A file grows while it is sent. The client gets as many bytes as \
             promised,\n\
             and the next response follows them.",
            grows,
        ),
        case(
            "files::large_parts",
            true,
            "Parts of 64 MiB, from any place on: each byte is that of the \
             file.",
            large_parts,
        ),
    ]
}

/// A file of a test's own in the site, removed when dropped.
struct Own(PathBuf);

impl Own {
    fn new(name: &str) -> Result<Self, String> {
        let path = fixtures::site().root().join(name);
        fixtures::patterned(&path, LENGTH).map_err(|e| e.to_string())?;
        Ok(Self(path))
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A client with a small window, which has the beginning of its answer.
pub(crate) fn begin(
    server: &Server,
    stage: &Stage,
    name: &str,
) -> Result<Client, String> {
    let stream = large::connect_with_small_buffer(server)?;
    let request = format!("GET /{name} HTTP/1.1\r\nHost: files\r\n\r\n");
    let told = |error: std::io::Error| error.to_string();
    (&stream).write_all(request.as_bytes()).map_err(told)?;
    // The answer has begun, and nobody reads it yet.
    stream.peek(&mut [0]).map_err(told)?;
    let mut client = Client::adopt(stream, stage.ceiling).map_err(told)?;
    client.sent.extend(request.as_bytes());
    Ok(client)
}

fn right(body: &[u8]) -> bool {
    body.iter().enumerate().all(|(at, byte)| *byte == pattern(at))
}

fn shrinks(stage: &Stage) -> Outcome {
    let file = Own::new("shrinks.bin")?;
    let mut server = stage.start(&["--quiet"])?;
    let mut client = begin(&server, stage, "shrinks.bin")?;
    let writer = OpenOptions::new().write(true).open(&file.0)?;
    writer.set_len(LEFT as u64)?;
    client.wait_for_end()?;
    let answer = client.reader.answers.first();
    // A reset may have taken the last bytes with it.
    let (came, sound) = answer
        .map_or((0, client.end == End::Reset), |answer| {
            (answer.body.len(), right(&answer.body))
        });
    if came > LEFT || !sound || client.end == End::Open {
        let end = client.end;
        let why = format!("{came} bytes came of {LEFT}, then {end:?}");
        return Err(why.into());
    }
    if answer.is_some_and(|answer| answer.missing == 0) {
        return Err("the client can't see that bytes are missing".into());
    }
    server.check_alive()?;
    Ok(PASSED)
}

fn grows(stage: &Stage) -> Outcome {
    let file = Own::new("grows.bin")?;
    let mut server = stage.start(&["--quiet"])?;
    let mut client = begin(&server, stage, "grows.bin")?;
    let mut writer = OpenOptions::new().append(true).open(&file.0)?;
    writer.write_all(&vec![b'+'; 1 << 20])?;
    client.wait_for_answers(1)?;
    let next =
        client.ask(b"HEAD /hello.txt HTTP/1.1\r\nHost: files\r\n\r\n")?;
    let body = &client.reader.answers[0].body;
    if body.len() != LENGTH || !right(body) || next.status != 200 {
        let count = body.len();
        return Err(format!("{count} bytes, then {}", next.status).into());
    }
    server.check_alive()?;
    Ok(PASSED)
}

fn large_parts(stage: &Stage) -> Outcome {
    fixtures::site().big()?;
    let mut server = stage.start(&["--quiet"])?;
    let mut client = server.connect()?;
    let last = fixtures::BIG - 1;
    for (range, from, to) in [
        ("0-20000", 0, 20_000),
        ("1-1048577", 1, 1_048_577),
        ("1048575-2097153", 1_048_575, 2_097_153),
        ("33554431-34603010", 33_554_431, 34_603_010),
        ("66000000-", 66_000_000, last),
        ("-300001", last - 300_000, last),
    ] {
        let request = format!(
            "GET /big.bin HTTP/1.1\r\nHost: files\r\n\
             Range: bytes={range}\r\n\r\n"
        );
        let answer = client.ask(request.as_bytes())?;
        let due = (from..=to).map(pattern);
        if answer.status != 206 || !answer.body.iter().copied().eq(due) {
            let (status, count) = (answer.status, answer.body.len());
            let due = to - from + 1;
            return Err(format!(
                "{range}: status {status}, {count} bytes; {due} were due, or \
                 they are not those of the file"
            )
            .into());
        }
    }
    server.check_alive()?;
    Ok(PASSED)
}
