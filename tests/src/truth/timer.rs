//! The cost of deadlines: one timer for all of them, set only when necessary,
//! and no tick.

use std::thread;
use std::time::Duration;

use super::strace::Traced;
use crate::number::Number;
use crate::process;
use crate::server::Server;
use crate::stage::{self, Case, Outcome, PASSED, Stage};

const SMALL_FILE: &[u8] = b"GET /hello.txt HTTP/1.1\r\nHost: timer\r\n\r\n";

/// Connections of the test that counts timer calls, and requests on each.
const CLIENTS: usize = 8;
const REQUESTS: usize = 50;

/// Short connections per round, and how much memory one round may add, in KiB.
/// A leaked deadline alone takes 24 bytes, so a leak adds 187 in every round.
const MEASURED: usize = 8000;
const MAX_GROWTH: u64 = 100;

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
                "A hundred connections have a deadline each, and none expires: in \
                 two seconds\nthe server never wakes up. There is no tick.",
                none_due,
            )
        },
        case(
            "truth::one_timer",
            "Four hundred requests on eight connections move four hundred \
             deadlines, but\nthe server hardly ever sets the kernel's one \
             timer.",
            one_timer,
        ),
        case(
            "truth::last_deadline",
            "The only client times out. Then no deadline is left, and the \
             server sleeps.",
            last_deadline,
        ),
        case(
            "truth::short_connections",
            "Thousands of connections come and go and leave nothing behind: no \
             memory, no\ndescriptor, and no deadline that wakes the server.",
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
    for index in 0..100 {
        let mut client = server.connect()?;
        client.ask(SMALL_FILE)?;
        match index % 3 {
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

fn last_deadline(stage: &Stage) -> Outcome {
    let mut server = stage.start_plain(&["--head-timeout", "1"])?;
    let pid = server.pid();
    // Once it sleeps, it has opened everything that it keeps open.
    process::until_asleep(pid, stage.ceiling)?;
    let before = process::descriptors(pid)?;
    let mut client = server.connect()?;
    client.send(&SMALL_FILE[..20])?;
    // The client stays, so the last deadline is that of the lingering close.
    client.wait_for_end()?;
    process::until_descriptors(pid, before, stage.ceiling)?;
    process::until_asleep(pid, stage.ceiling)?;
    let start = process::used(pid)?;
    thread::sleep(Duration::from_secs(2));
    let end = process::used(pid)?;
    if start != end {
        return Err(format!(
            "before: {start:?}\nafter:  {end:?}\nThe server woke up after its \
             last deadline."
        )
        .into());
    }
    drop(client);
    server.check_alive()?;
    Ok(PASSED)
}

/// Clients that send one request and reset the connection, which leaves no
/// `TIME_WAIT` in the way of other tests.
fn come_and_go(server: &Server, count: usize) -> Result<(), String> {
    for _ in 0..count {
        let mut client = server.connect()?;
        client.ask(SMALL_FILE)?;
        client.reset();
    }
    Ok(())
}

fn short_connections(stage: &Stage) -> Outcome {
    // A leaked deadline would expire while the test watches.
    let mut server = stage.start_plain(&["--idle-timeout", "2"])?;
    let pid = server.pid();
    process::until_asleep(pid, stage.ceiling)?;
    let baseline = process::descriptors(pid)?;
    let mut sizes = vec![process::resident(pid)?];
    let is_steady = |sizes: &[u64]| match sizes {
        [.., before, after] => *after <= before + MAX_GROWTH,
        _ => false,
    };
    while !is_steady(&sizes) {
        if sizes.len() > ROUNDS {
            return Err(format!(
                "each {MEASURED} connections add memory: {sizes:?} KiB"
            )
            .into());
        }
        come_and_go(&server, MEASURED)?;
        process::until_descriptors(pid, baseline, stage.ceiling)?;
        sizes.push(process::resident(pid)?);
    }
    // The timer may still expire once for them, but not once per connection.
    let before = process::used(pid)?.voluntary;
    thread::sleep(Duration::from_secs(3));
    let wake_ups = process::used(pid)?.voluntary - before;
    if wake_ups > 2 {
        return Err(format!("{wake_ups} wake-ups without a client").into());
    }
    server.check_alive()?;
    Ok(PASSED)
}
