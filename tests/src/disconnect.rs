//! Clients that disconnect in the middle of a request.

use crate::number::Number;
use crate::process;
use crate::stage::{Case, Outcome, PASSED, Stage};

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    vec![Case {
        name: "disconnect::mid_body",
        promise: "A client announces a body of 100,000 bytes, sends half of \
                  it, and resets the\nconnection. The server keeps serving and \
                  leaks no descriptor.",
        from: Number::stage(1),
        until: Number::EVER,
        any_server: true,
        run: mid_body,
    }]
}

fn mid_body(stage: &Stage) -> Outcome {
    let mut server = stage.start_without_cache()?;
    server.check_alive()?;
    let pid = server.pid();
    let baseline = process::descriptors(pid)?;
    for _ in 0..20 {
        let mut client = server.connect()?;
        client.send(
            b"POST /echo HTTP/1.1\r\nHost: vanish\r\n\
              Content-Length: 100000\r\n\r\n",
        )?;
        client.send(&vec![b'x'; 50_000])?;
        client.reset();
    }
    process::until_descriptors(pid, baseline, stage.ceiling)?;
    server.check_alive()?;
    Ok(PASSED)
}
