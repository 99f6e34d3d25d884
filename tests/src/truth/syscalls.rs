//! The system calls of one small exchange, as strace(1) shows them.

use std::fs;

use super::trace;
use crate::process;
use crate::stage::{self, Case, Launch, Outcome, Stage};

const PROMISE: &str = "The system calls of one exchange: a client connects, \
    asks for\n/hello.txt, has its answer, and closes when the server is \
    asleep again.";

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    vec![Case {
        name: "truth::syscalls",
        promise: PROMISE,
        from: 1,
        until: u32::MAX,
        any_server: false,
        run: syscalls,
    }]
}

fn syscalls(stage: &Stage) -> Outcome {
    if !stage::has_tool("strace") {
        return stage::skip("truth::syscalls", "strace");
    }
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("trace");
    let read = || fs::read_to_string(&file).unwrap_or_default();
    let before = ["-f", "-o", &file.to_string_lossy()];
    let mut before: Vec<String> = before.map(Into::into).to_vec();
    before.push(stage.binary()?.to_string_lossy().into_owned());
    let launch = Launch::Program("strace".into(), before);
    let server = Stage { launch, ..stage.clone() }.start(&[])?;
    // The first line of the trace is the server's own execve(2).
    let trace = read();
    let pid = trace.split(' ').next().and_then(|pid| pid.parse().ok());
    let pid = pid.ok_or("the trace begins with no process id")?;
    process::until_asleep(pid, stage.ceiling)?;
    let mut client = server.connect()?;
    client.ask(b"GET /hello.txt HTTP/1.1\r\nHost: strace\r\n\r\n")?;
    process::until_asleep(pid, stage.ceiling)?;
    client.half_close();
    client.wait_for_end()?;
    drop(client);
    let mut exchange = None;
    process::until("the end of the exchange", stage.ceiling, || {
        exchange = trace::exchange(&read());
        exchange.is_some()
    })
    .map_err(|why| format!("{why}; the trace so far:\n{}", read()))?;
    super::check(stage, "syscalls", PROMISE, &exchange.unwrap_or_default())
}
