//! The access log: one line per request, in a format that existing tools read.

mod stuck;

use crate::number::Number;
use crate::stage::{Case, Outcome, PASSED, Stage};

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    let of_ours = |name, promise, run| Case {
        name,
        promise,
        from: Number::stage(1),
        until: Number::EVER,
        any_server: false,
        run,
    };
    vec![
        of_ours(
            "access_log::common_log_format",
            "Each request is logged as one line on stdout: the Common Log \
             Format, then\nthe duration in seconds.",
            common_log_format,
        ),
        of_ours(
            "access_log::escapes",
            "A client can't break out of the quotes or forge a line: the log \
             writes\nquotes, backslashes, control bytes and bytes above ASCII \
             as \\xHH.",
            escapes,
        ),
        of_ours(
            "access_log::pipelined",
            "Pipelined requests get one log line each, in order.",
            pipelined,
        ),
        of_ours(
            "access_log::disk_full",
            "When the disk is full for a moment (ENOSPC), logging resumes \
             afterwards and\nno line is missing.",
            stuck::disk_full,
        ),
        of_ours(
            "access_log::stuck_reader",
            "When the process that reads the log stops reading, the server \
             keeps serving.\nWhen it reads again, the log continues in whole \
             lines, and the server\nreports on stderr how many lines were \
             lost.",
            stuck::reader,
        ),
        of_ours(
            "access_log::stop_with_stuck_reader",
            "SIGTERM stops the server even if nobody is reading its log.",
            stuck::stop,
        ),
        of_ours(
            "access_log::long_request",
            "The log truncates a request line of 8 KiB, so that the log line \
             fits in\nPIPE_BUF.",
            stuck::long_request,
        ),
        of_ours(
            "access_log::quiet",
            "With --quiet, the server prints nothing on stdout.",
            quiet,
        ),
    ]
}

/// Sends `bytes`, waits for the server to close, and returns the log: at least
/// `count` lines, and everything else that was written before we kill the
/// server.
fn log_of(
    stage: &Stage,
    flags: &[&str],
    bytes: &[u8],
    count: usize,
) -> Result<Vec<String>, String> {
    let server = stage.start(flags)?;
    let mut client = server.connect()?;
    client.send(bytes)?;
    client.half_close();
    client.wait_for_end()?;
    // The first line on stdout is `listening on …`.
    let log = server.stdout.clone();
    let lines = log.wait_for(1 + count, stage.ceiling);
    if lines.len() <= count {
        return Err(format!("expected {count} log lines, got:\n{lines:#?}"));
    }
    // The server was the only writer to this pipe: no line can follow.
    drop(server);
    let lines = log.wait_for_end(stage.ceiling);
    Ok(lines.into_iter().skip(1).collect())
}

fn common_log_format(stage: &Stage) -> Outcome {
    let request = b"GET /hello.txt HTTP/1.1\r\nHost: log\r\n\r\n";
    let lines = log_of(stage, &[], request, 1)?;
    let [line] = &lines[..] else {
        return Err(format!("expected one line, got: {lines:#?}").into());
    };
    let start = "127.0.0.1 - - [";
    let middle = "] \"GET /hello.txt HTTP/1.1\" 200 13 ";
    let parts = line
        .strip_prefix(start)
        .and_then(|rest| rest.split_once(middle))
        .map(|(time, duration)| (shape(time), shape(duration)));
    let (time, duration) = parts.unwrap_or_default();
    if time == "00/Aaa/0000:00:00:00 +0000" && duration == "0.000000" {
        return Ok(PASSED);
    }
    let expected = "23/Nov/2026:21:22:32 +0000";
    Err(format!(
        "expected  {start}{expected}{middle}0.000123\ngot       {line}"
    )
    .into())
}

/// Each digit as 0, each letter as A or a.
fn shape(text: &str) -> String {
    let kind = |c: char| match c {
        '0'..='9' => '0',
        'A'..='Z' => 'A',
        'a'..='z' => 'a',
        other => other,
    };
    text.chars().map(kind).collect()
}

fn escapes(stage: &Stage) -> Outcome {
    let request = b"GET /a\"b\\c\x01\x7f\xff HTTP/1.1\r\nHost: log\r\n\r\n";
    let lines = log_of(stage, &[], request, 1)?;
    let expected = r#"] "GET /a\x22b\x5Cc\x01\x7F\xFF HTTP/1.1" 400 "#;
    match &lines[..] {
        [line] if line.contains(expected) => Ok(PASSED),
        _ => Err(format!("expected  {expected}\ngot       {lines:#?}").into()),
    }
}

fn pipelined(stage: &Stage) -> Outcome {
    let mut requests = Vec::new();
    for path in ["/hello.txt", "/nowhere", "/sub/"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: log\r\n\r\n");
        requests.extend(request.into_bytes());
    }
    let lines = log_of(stage, &[], &requests, 3)?;
    let expected = [
        "\"GET /hello.txt HTTP/1.1\" 200 ",
        "\"GET /nowhere HTTP/1.1\" 404 ",
        "\"GET /sub/ HTTP/1.1\" 200 ",
    ];
    let in_order = lines.len() == expected.len()
        && lines.iter().zip(expected).all(|(line, part)| line.contains(part));
    if in_order {
        Ok(PASSED)
    } else {
        Err(format!("expected  {expected:#?}\ngot       {lines:#?}").into())
    }
}

fn quiet(stage: &Stage) -> Outcome {
    let request = b"GET /hello.txt HTTP/1.1\r\nHost: log\r\n\r\n";
    let lines = log_of(stage, &["--quiet"], request, 0)?;
    if lines.is_empty() {
        Ok(PASSED)
    } else {
        Err(format!("expected no line, got: {lines:#?}").into())
    }
}
