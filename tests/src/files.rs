//! Large files that change while they are being sent, and ranges of large
//! files.

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

/// The file's length at the request: far more than all buffers hold.
const LENGTH: usize = 16 << 20;

/// Its length after truncation.
const REMAINING: usize = 12 << 20;

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
            "A file is truncated while it is being sent. The client gets the \
             bytes that\nexist, no filler for the rest, and then the end of \
             the connection: it can\ntell that bytes are missing.",
            shrinks,
        ),
        case(
            "files::grows_while_sent",
            false,
            "A file grows while it is being sent. The client gets exactly the \
             announced\nnumber of bytes, and then the next response.",
            grows,
        ),
        case(
            "files::large_parts",
            true,
            "Ranges of a 64 MiB file, at any offset, return exactly the bytes \
             of the\nfile.",
            large_parts,
        ),
    ]
}

/// A file that one test adds to the site; removed when dropped.
struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str) -> Result<Self, String> {
        let path = fixtures::site().root().join(name);
        fixtures::patterned(&path, LENGTH).map_err(|e| e.to_string())?;
        Ok(Self(path))
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A client with a small receive window whose response has begun.
pub(crate) fn begin(
    server: &Server,
    stage: &Stage,
    name: &str,
) -> Result<Client, String> {
    let stream = large::connect_with_small_buffer(server)?;
    let request = format!("GET /{name} HTTP/1.1\r\nHost: files\r\n\r\n");
    let text = |error: std::io::Error| error.to_string();
    (&stream).write_all(request.as_bytes()).map_err(text)?;
    // The response has begun, and we have read none of it.
    stream.peek(&mut [0]).map_err(text)?;
    let mut client = Client::adopt(stream, stage.ceiling).map_err(text)?;
    client.sent.extend(request.as_bytes());
    Ok(client)
}

fn matches_pattern(body: &[u8]) -> bool {
    body.iter().enumerate().all(|(index, byte)| *byte == pattern(index))
}

fn shrinks(stage: &Stage) -> Outcome {
    let file = TempFile::new("shrinks.bin")?;
    let mut server = stage.start(&["--quiet"])?;
    let mut client = begin(&server, stage, "shrinks.bin")?;
    let writer = OpenOptions::new().write(true).open(&file.0)?;
    writer.set_len(REMAINING as u64)?;
    client.wait_for_end()?;
    let response = client.reader.responses.first();
    // A reset may have discarded the last bytes.
    let (received, sound) = response
        .map_or((0, client.end == End::Reset), |response| {
            (response.body.len(), matches_pattern(&response.body))
        });
    if received > REMAINING || !sound || client.end == End::Open {
        let end = client.end;
        let why = format!("got {received} of {REMAINING} bytes, then {end:?}");
        return Err(why.into());
    }
    if response.is_some_and(|response| response.missing == 0) {
        return Err("the client can't tell that bytes are missing".into());
    }
    server.check_alive()?;
    Ok(PASSED)
}

fn grows(stage: &Stage) -> Outcome {
    let file = TempFile::new("grows.bin")?;
    let mut server = stage.start(&["--quiet"])?;
    let mut client = begin(&server, stage, "grows.bin")?;
    let mut writer = OpenOptions::new().append(true).open(&file.0)?;
    writer.write_all(&vec![b'+'; 1 << 20])?;
    client.wait_for_responses(1)?;
    let next =
        client.ask(b"HEAD /hello.txt HTTP/1.1\r\nHost: files\r\n\r\n")?;
    let body = &client.reader.responses[0].body;
    if body.len() != LENGTH || !matches_pattern(body) || next.status != 200 {
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
        let response = client.ask(request.as_bytes())?;
        let expected = (from..=to).map(pattern);
        if response.status != 206 || !response.body.iter().copied().eq(expected)
        {
            let (status, count) = (response.status, response.body.len());
            let expected = to - from + 1;
            return Err(format!(
                "{range}: status {status}, {count} bytes; expected 206 with \
                 {expected} bytes of the file"
            )
            .into());
        }
    }
    server.check_alive()?;
    Ok(PASSED)
}
