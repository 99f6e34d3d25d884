//! sendfile(2): in the same segment as the head, and the fallback without it.

use crate::fixtures::pattern;
use crate::number::Number;
use crate::process;
use crate::stage::{self, Case, Outcome, PASSED, Stage};
use crate::truth::strace::Traced;
use crate::wire::Response;

const MEBIBYTE: usize = 1 << 20;

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    let case = |name, promise, run| Case {
        name,
        promise,
        from: Number::step(5, 1),
        until: Number::EVER,
        any_server: false,
        run,
    };
    vec![
        case(
            "sendfile::head_with_msg_more",
            "The server sends the head of a large file with MSG_MORE and calls \
             sendfile\nnext: so both share the first segment. Where no file \
             follows, as after HEAD,\nthere is no MSG_MORE to hold the head \
             back.",
            head_with_msg_more,
        ),
        case(
            "sendfile::unsupported",
            "A file system may not support sendfile, and fail at once or in \
             the middle of\na file. The server copies the rest, and the client \
             gets the same bytes.",
            unsupported,
        ),
    ]
}

fn request(method: &str, path: &str, range: &str) -> Vec<u8> {
    let range = match range {
        "" => String::new(),
        range => format!("Range: bytes={range}\r\n"),
    };
    format!("{method} {path} HTTP/1.1\r\nHost: sendfile\r\n{range}\r\n")
        .into_bytes()
}

/// The calls that send, in order; `+` marks those with `MSG_MORE`.
fn sending_calls(trace: &str) -> Vec<&'static str> {
    let call = |line: &str| {
        if line.contains(" sendfile(") {
            Some("file")
        } else if line.contains(" sendto(") {
            let more = line.contains("MSG_MORE");
            Some(if more { "bytes+" } else { "bytes" })
        } else {
            None
        }
    };
    trace.lines().filter_map(call).collect()
}

fn head_with_msg_more(stage: &Stage) -> Outcome {
    if !stage::can_trace() {
        return stage::skip("sendfile::head_with_msg_more", stage::TRACING);
    }
    for (method, path, range, expected) in [
        ("GET", "/mebibyte.bin", "", &["bytes+", "file"][..]),
        ("GET", "/mebibyte.bin", "9-900000", &["bytes+", "file"]),
        ("HEAD", "/mebibyte.bin", "", &["bytes"]),
        ("GET", "/size-16385.bin", "", &["bytes+", "file"]),
        ("GET", "/size-16384.bin", "", &["bytes"]),
        ("GET", "/mebibyte.bin", "5-9", &["bytes"]),
    ] {
        let options = ["-e", "trace=execve,sendto,sendfile"];
        let traced = Traced::start(stage, &options, &stage.plain())?;
        let mut client = traced.server.connect()?;
        client.ask(&request(method, path, range))?;
        process::until_asleep(traced.pid, stage.ceiling)?;
        let mut calls_made = sending_calls(&traced.text());
        // The number of calls depends on the space in the send buffer.
        calls_made.dedup();
        if calls_made != expected {
            return Err(format!(
                "{method} {path} {range}: expected {expected:?}, got \
                 {calls_made:?}:\n{}",
                traced.text()
            )
            .into());
        }
    }
    Ok(PASSED)
}

fn is_file(
    response: &Response,
    status: u16,
    from: usize,
    count: usize,
) -> bool {
    let expected = (from..from + count).map(pattern);
    response.status == status && response.body.iter().copied().eq(expected)
}

fn unsupported(stage: &Stage) -> Outcome {
    if !stage::can_trace() {
        return stage::skip("sendfile::unsupported", stage::TRACING);
    }
    for fault in ["EINVAL", "ENOSYS", "EINVAL:when=2+", "ENOSYS:when=3+2"] {
        let inject = format!("inject=sendfile:error={fault}");
        let options = ["-e", "trace=execve,sendfile", "-e", &inject];
        // An I/O limit, so that there is a second call to fail.
        let flags = [&stage.plain(), &["--io-limit", "65536"][..]].concat();
        let traced = Traced::start(stage, &options, &flags)?;
        let mut client = traced.server.connect()?;
        let full = client.ask(&request("GET", "/mebibyte.bin", ""))?;
        let part =
            client.ask(&request("GET", "/mebibyte.bin", "100001-900000"))?;
        if !is_file(&full, 200, 0, MEBIBYTE)
            || !is_file(&part, 206, 100_001, 800_000)
        {
            let counts = (full.body.len(), part.body.len());
            let why = format!("{fault}: wrong bytes; lengths {counts:?}");
            return Err(why.into());
        }
        if !traced.text().contains("(INJECTED)") {
            return Err(format!("{fault}: sendfile did not fail").into());
        }
    }
    Ok(PASSED)
}
