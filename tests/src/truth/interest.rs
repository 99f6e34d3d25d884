//! How often the kernel is told what a connection waits for: `epoll_ctl(2)`
//! is a system call, and each that changes nothing is one too many.

use std::collections::HashMap;

use super::strace::Traced;
use crate::number::Number;
use crate::process;
use crate::stage::{self, Case, Outcome, PASSED, Stage};

/// Traced: what makes and ends a connection, and what is said of it. The
/// first call of a process is execve, which tells its id.
const CALLS: &str = "trace=execve,accept4,epoll_ctl";

/// Connections, one after the other and side by side.
const CONNECTIONS: usize = 8;

/// Requests on each connection, the large ones not counted.
const REQUESTS: usize = 5;

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "truth::interest_changes",
            promise: "The server calls epoll_ctl only when a connection's \
                      interest has changed: no\n\
                      two calls in a row are equal.",
            from: Number::stage(3),
            until: Number::stage(3),
            any_server: false,
            run: changes,
        },
        Case {
            name: "truth::interest_once",
            promise: "Each connection and each listener is registered once, \
                      and never changed:\n\
                      there are as many epoll_ctl calls as there are of them.",
            from: Number::stage(4),
            until: Number::stage(4),
            any_server: false,
            run: once,
        },
    ]
}

/// One `epoll_ctl`, as strace shows it.
#[derive(Debug)]
struct Told {
    operation: String,
    fd: String,
    interest: String,
}

/// `7 epoll_ctl(4, EPOLL_CTL_MOD, 5, {events=EPOLLIN, data={…}}) = 0`
fn told(line: &str) -> Option<Told> {
    let (_, arguments) = line.split_once(" epoll_ctl(")?;
    let mut words = arguments.splitn(4, ", ");
    let operation = words.nth(1)?.trim_start_matches("EPOLL_CTL_").to_owned();
    let fd = words.next()?.to_owned();
    let events = words.next()?.trim_start_matches("{events=");
    let interest = events.split(',').next()?.to_owned();
    Some(Told { operation, fd, interest })
}

/// Lets clients talk to a server with two listeners, and returns how often it
/// accepted a connection, and what it told the kernel.
fn talk(stage: &Stage) -> Result<(usize, Vec<Told>), String> {
    let listen = ["--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"];
    let flags = [&["--quiet"], &listen[..]].concat();
    let traced = Traced::start(stage, &["-e", CALLS], &flags)?;
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut client = traced.server.connect()?;
        for _ in 0..REQUESTS {
            client.ask(b"GET /hello.txt HTTP/1.1\r\nHost: one\r\n\r\n")?;
        }
        clients.push(client);
    }
    // Pipelined, more than any buffer holds, and not read until the server
    // sleeps: so it has to wait for room again and again.
    let large = "GET /mebibyte.bin HTTP/1.1\r\nHost: one\r\n\r\n".repeat(10);
    for client in &mut clients {
        client.send(large.as_bytes())?;
        process::until_asleep(traced.pid, stage.ceiling)?;
        client.wait_for_answers(REQUESTS + 10)?;
        client.ask(b"GET /hello.txt HTTP/1.1\r\nHost: one\r\n\r\n")?;
        client.half_close();
        client.wait_for_end()?;
    }
    drop(clients);
    process::until_asleep(traced.pid, stage.ceiling)?;
    let trace = traced.text();
    let accepted = trace.lines().filter(|line| is_accepted(line)).count();
    Ok((accepted, trace.lines().filter_map(told).collect()))
}

fn is_accepted(line: &str) -> bool {
    let result = line.rsplit_once(" = ").map_or("", |(_, result)| result);
    line.contains(" accept4(") && result.parse::<u32>().is_ok()
}

fn once(stage: &Stage) -> Outcome {
    if !stage::can_trace() {
        return stage::skip("truth::interest_once", stage::TRACING);
    }
    let (accepted, told) = talk(stage)?;
    let due = accepted + 2;
    let other = told.iter().find(|told| told.operation != "ADD");
    if accepted != CONNECTIONS || told.len() != due || other.is_some() {
        let count = told.len();
        return Err(format!(
            "{accepted} connections and 2 listeners are {due} epoll_ctl calls; \
             there were {count}. The first that is no ADD: {other:?}"
        )
        .into());
    }
    Ok(PASSED)
}

fn changes(stage: &Stage) -> Outcome {
    if !stage::can_trace() {
        return stage::skip("truth::interest_changes", stage::TRACING);
    }
    let (accepted, told) = talk(stage)?;
    let mut known: HashMap<&str, &str> = HashMap::new();
    let mut modified = 0;
    for Told { operation, fd, interest } in &told {
        let before = known.insert(fd, interest);
        if operation == "MOD" {
            modified += 1;
            if before == Some(interest) {
                return Err(format!(
                    "fd {fd} is registered for {interest} already, and the \
                     kernel is told so again"
                )
                .into());
            }
        }
    }
    if accepted != CONNECTIONS || modified < CONNECTIONS {
        return Err(format!(
            "{CONNECTIONS} connections had to wait for room; {accepted} were \
             accepted, and {modified} calls changed anything"
        )
        .into());
    }
    Ok(PASSED)
}
