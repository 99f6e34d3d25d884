//! The system calls of one small exchange, as strace(1) shows them.

use super::strace::Traced;
use super::trace;
use crate::fixtures;
use crate::number::Number;
use crate::process;
use crate::stage::{self, Case, Outcome, Stage};

const PROMISE: &str = "The system calls of one exchange: a client connects, \
    requests /hello.txt,\nreads the response, and closes when the server \
    sleeps again.";

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    vec![Case {
        name: "truth::syscalls",
        promise: PROMISE,
        from: Number::stage(1),
        until: Number::EVER,
        any_server: false,
        run: syscalls,
    }]
}

fn syscalls(stage: &Stage) -> Outcome {
    if !stage::can_trace() {
        return stage::skip("truth::syscalls", stage::TRACING);
    }
    // The length of the head depends on whether the tag is weak.
    fixtures::until_settled();
    let traced = Traced::start(stage, &[], &[])?;
    let mut client = traced.server.connect()?;
    // Or the request may arrive before or after the server has accepted.
    process::until_asleep(traced.pid, stage.ceiling)?;
    client.ask(b"GET /hello.txt HTTP/1.1\r\nHost: strace\r\n\r\n")?;
    process::until_asleep(traced.pid, stage.ceiling)?;
    client.half_close();
    client.wait_for_end()?;
    drop(client);
    let mut exchange = None;
    process::until("the end of the exchange", stage.ceiling, || {
        exchange = trace::exchange(&traced.text());
        exchange.is_some()
    })
    .map_err(|why| format!("{why}; the trace so far:\n{}", traced.text()))?;
    super::check(stage, "syscalls", PROMISE, &exchange.unwrap_or_default())
}
