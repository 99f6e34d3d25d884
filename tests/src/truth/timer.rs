//! What deadlines cost: one timer for all, set when it must be, and no tick.

use std::thread;
use std::time::Duration;

use super::strace::Traced;
use crate::number::Number;
use crate::process;
use crate::server::Server;
use crate::stage::{self, Case, Outcome, PASSED, Stage};

const SMALL_FILE: &[u8] = b"GET /hello.txt HTTP/1.1\r\nHost: timer\r\n\r\n";

/// Connections of the test that counts how often the timer is set, and
/// requests of each.
const CLIENTS: usize = 8;
const REQUESTS: usize = 50;

/// Short connections per round, and how much memory one round may add, in KiB.
/// A leaked deadline alone takes 24 bytes, so a leak adds 187 in every round.
const SHORT: usize = 8000;
const MORE: u64 = 100;

/// Rounds in which memory may grow: each thread warms up its own heap.
const ROUNDS: usize = 4;

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    let case = |name, promise, run| Case {
        name,
        promise,
        from: Number::step(5, 3),
        until: Number::EVER,
        any_server: false,
        run,
    };
    vec![
        Case {
            from: Number::step(5, 4),
            ..case(
                "truth::no_deadline_due",
                "A hundred connections with a deadline each, none of which is \
                 due: for two\n\
                 seconds the server does not wake up. There is no tick.",
                none_due,
            )
        },
        case(
            "truth::one_timer",
            "Four hundred requests on eight connections move four hundred \
             deadlines, and\n\
             hardly ever set the kernel timer.",
            one_timer,
        ),
        case(
            "truth::short_connections",
            "Thousands of connections come and go, and leave nothing behind: \
             no memory,\n\
             no descriptor, and no deadline that wakes the server.",
            short_connections,
        ),
    ]
}

fn none_due(stage: &Stage) -> Outcome {
    let mut flags = vec!["--quiet"];
    for flag in ["--head-timeout", "--body-timeout", "--idle-timeout"] {
        flags.extend([flag, "600"]);
    }
    let mut server = stage.start(&flags)?;
    let pid = server.pid();
    let mut clients = Vec::new();
    for at in 0..100 {
        let mut client = server.connect()?;
        client.ask(SMALL_FILE)?;
        match at % 3 {
            0 => client.send(&SMALL_FILE[..20])?,
            1 => client.send(
                b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1",
            )?,
            _ => {}
        }
        clients.push(client);
    }
    process::until_asleep(pid, stage.ceiling)?;
    let before = process::used(pid)?;
    thread::sleep(Duration::from_secs(2));
    let after = process::used(pid)?;
    if before != after {
        return Err(format!("before: {before:?}\nafter:  {after:?}").into());
    }
    drop(clients);
    server.check_alive()?;
    Ok(PASSED)
}

fn one_timer(stage: &Stage) -> Outcome {
    if !stage::can_trace() {
        return stage::skip("truth::one_timer", stage::TRACING);
    }
    let calls = ["-e", "trace=execve,timerfd_settime"];
    let traced = Traced::start(stage, &calls, &stage.plain())?;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(traced.server.connect()?);
    }
    for _ in 0..REQUESTS {
        for client in &mut clients {
            client.ask(SMALL_FILE)?;
        }
    }
    process::until_asleep(traced.pid, stage.ceiling)?;
    let trace = traced.text();
    let count = trace.matches("timerfd_settime(").count();
    if !(1..=CLIENTS).contains(&count) {
        return Err(format!("the timer was set {count} times").into());
    }
    Ok(PASSED)
}

/// Clients that ask once and vanish: by a reset, which leaves no `TIME_WAIT`
/// in the way of other tests.
fn come_and_go(server: &Server, count: usize) -> Result<(), String> {
    for _ in 0..count {
        let mut client = server.connect()?;
        client.ask(SMALL_FILE)?;
        client.reset();
    }
    Ok(())
}

fn short_connections(stage: &Stage) -> Outcome {
    // Their deadlines would be due while the test looks.
    let mut server = stage.start_plain(&["--idle-timeout", "2"])?;
    let pid = server.pid();
    process::until_asleep(pid, stage.ceiling)?;
    let alone = process::descriptors(pid)?;
    let mut sizes = vec![process::resident(pid)?];
    let is_steady = |sizes: &[u64]| match sizes {
        [.., before, after] => *after <= before + MORE,
        _ => false,
    };
    while !is_steady(&sizes) {
        if sizes.len() > ROUNDS {
            return Err(format!(
                "each {SHORT} connections add memory: {sizes:?} KiB"
            )
            .into());
        }
        come_and_go(&server, SHORT)?;
        process::until_descriptors(pid, alone, stage.ceiling)?;
        sizes.push(process::resident(pid)?);
    }
    // One alarm that was set for them may still come, and not one each.
    let before = process::used(pid)?.voluntary;
    thread::sleep(Duration::from_secs(3));
    let woken = process::used(pid)?.voluntary - before;
    if woken > 2 {
        return Err(format!("woken {woken} times for nobody").into());
    }
    server.check_alive()?;
    Ok(PASSED)
}
