//! A server with nothing to do is idle: no wake-ups, no processor time.

use std::thread;
use std::time::Duration;

use crate::number::Number;
use crate::process;
use crate::stage::{Case, Outcome, PASSED, Stage};

/// How long the connections stay idle.
const IDLE_TIME: Duration = Duration::from_secs(2);

/// Connections in the test.
const CLIENTS: usize = 100;

/// Stage 1 accepts as many of them as it has threads; the others stay in the
/// accept queue.
const THREADS_OF_STAGE_1: usize = 64;

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    vec![Case {
        name: "truth::idle",
        promise: "A hundred idle connections cost nothing: in two seconds the \
                  server never\nwakes up and uses no processor time.",
        from: Number::stage(1),
        until: Number::EVER,
        any_server: false,
        run: idle,
    }]
}

fn idle(stage: &Stage) -> Outcome {
    // Their deadlines must not expire meanwhile either.
    let flags = ["--head-timeout", "600"];
    let count = if stage.at < Number::step(5, 3) { 0 } else { flags.len() };
    let mut server = stage.start_plain(&flags[..count])?;
    let pid = server.pid();
    let before = process::descriptors(pid)?;
    let clients: Vec<_> =
        (0..CLIENTS).map(|_| server.connect()).collect::<Result<_, _>>()?;
    let accepted = if stage.number == 1 { THREADS_OF_STAGE_1 } else { CLIENTS };
    process::until("the connections to be accepted", stage.ceiling, || {
        process::descriptors(pid).is_ok_and(|now| now >= before + accepted)
    })?;
    process::until_asleep(pid, stage.ceiling)?;
    let start = process::used(pid)?;
    thread::sleep(IDLE_TIME);
    let end = process::used(pid)?;
    drop(clients);
    if start != end {
        return Err(format!(
            "before: {start:?}\nafter:  {end:?}\nThe server woke up while \
             nothing happened."
        )
        .into());
    }
    server.check_alive()?;
    Ok(PASSED)
}
