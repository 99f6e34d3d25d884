//! sendfile(2): in one piece with its head, and what there is without it.

use crate::fixtures::pattern;
use crate::number::Number;
use crate::process;
use crate::stage::{self, Case, Outcome, PASSED, Stage};
use crate::truth::strace::Traced;
use crate::wire::Answer;

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
            "sendfile::joins_its_head",
            "The head of a large file is sent with MSG_MORE, and sendfile \
             follows at\n\
             once: both begin in the same segment. If no file follows, as \
             after HEAD,\n\
             nothing is held back.",
            joins_its_head,
        ),
        case(
            "sendfile::not_supported",
            "A file system may not support sendfile, and fail at once or in \
             the middle.\n\
             The rest is copied, and the client gets the same bytes.",
            not_supported,
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

/// Which calls send, in order; `+` stands behind those with `MSG_MORE`.
fn calls(trace: &str) -> Vec<&'static str> {
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

fn joins_its_head(stage: &Stage) -> Outcome {
    if !stage::can_trace() {
        return stage::skip("sendfile::joins_its_head", stage::TRACING);
    }
    for (method, path, range, due) in [
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
        let mut made = calls(&traced.text());
        // How often it takes until all is sent depends on the room there is.
        made.dedup();
        if made != due {
            return Err(format!(
                "{method} {path} {range}: {due:?} were due, {made:?} were \
                 made:\n{}",
                traced.text()
            )
            .into());
        }
    }
    Ok(PASSED)
}

fn is_file(answer: &Answer, status: u16, from: usize, count: usize) -> bool {
    let due = (from..from + count).map(pattern);
    answer.status == status && answer.body.iter().copied().eq(due)
}

fn not_supported(stage: &Stage) -> Outcome {
    if !stage::can_trace() {
        return stage::skip("sendfile::not_supported", stage::TRACING);
    }
    for fault in ["EINVAL", "ENOSYS", "EINVAL:when=2+", "ENOSYS:when=3+2"] {
        let inject = format!("inject=sendfile:error={fault}");
        let options = ["-e", "trace=execve,sendfile", "-e", &inject];
        // Pieces, so that there is a second call to fail.
        let flags = [&stage.plain(), &["--io-limit", "65536"][..]].concat();
        let traced = Traced::start(stage, &options, &flags)?;
        let mut client = traced.server.connect()?;
        let whole = client.ask(&request("GET", "/mebibyte.bin", ""))?;
        let part =
            client.ask(&request("GET", "/mebibyte.bin", "100001-900000"))?;
        if !is_file(&whole, 200, 0, MEBIBYTE)
            || !is_file(&part, 206, 100_001, 800_000)
        {
            let counts = (whole.body.len(), part.body.len());
            let why = format!("{fault}: {counts:?} bytes, or wrong ones");
            return Err(why.into());
        }
        if !traced.text().contains("(INJECTED)") {
            return Err(format!("{fault}: sendfile did not fail").into());
        }
    }
    Ok(PASSED)
}
