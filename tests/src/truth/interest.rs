//! How often the server updates a connection's registration: `epoll_ctl(2)` is
//! a system call, and each one that changes nothing is wasted.

use std::collections::HashMap;

use super::strace::Traced;
use crate::number::Number;
use crate::process;
use crate::stage::{self, Case, Outcome, PASSED, Stage};

/// The calls we trace. The first call of a process is execve, which gives us
/// its id.
const CALLS: &str = "trace=execve,accept4,epoll_ctl";

/// Connections, opened one after another and kept open.
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
                      interest has changed: no\ntwo calls in a row for one \
                      descriptor say the same.",
            from: Number::stage(3),
            until: Number::stage(3),
            any_server: false,
            run: changes,
        },
        Case {
            name: "truth::interest_once",
            promise: "Each connection and each listener is registered once and \
                      never modified: the\nnumber of epoll_ctl calls is their \
                      number.",
            from: Number::stage(4),
            until: Number::stage(4),
            any_server: false,
            run: once,
        },
    ]
}

/// One `epoll_ctl` call, as strace shows it.
#[derive(Debug)]
struct Registration {
    operation: String,
    fd: String,
    interest: String,
}

/// `7 epoll_ctl(4, EPOLL_CTL_MOD, 5, {events=EPOLLIN, data={…}}) = 0`
fn registration(line: &str) -> Option<Registration> {
    let (_, arguments) = line.split_once(" epoll_ctl(")?;
    let mut words = arguments.splitn(4, ", ");
    let operation = words.nth(1)?.trim_start_matches("EPOLL_CTL_").to_owned();
    let fd = words.next()?.to_owned();
    let events = words.next()?.trim_start_matches("{events=");
    let interest = events.split(',').next()?.to_owned();
    Some(Registration { operation, fd, interest })
}

/// Lets clients use a server with two listeners. Returns the number of accepted
/// connections, and the `epoll_ctl` calls.
fn talk(stage: &Stage) -> Result<(usize, Vec<Registration>), String> {
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
    // Pipelined requests for more than any buffer holds, and we don't read
    // until the server sleeps: so its send buffer is full again and again.
    let large = "GET /mebibyte.bin HTTP/1.1\r\nHost: one\r\n\r\n".repeat(10);
    for client in &mut clients {
        client.send(large.as_bytes())?;
        process::until_asleep(traced.pid, stage.ceiling)?;
        client.wait_for_responses(REQUESTS + 10)?;
        client.ask(b"GET /hello.txt HTTP/1.1\r\nHost: one\r\n\r\n")?;
        client.half_close();
        client.wait_for_end()?;
    }
    drop(clients);
    process::until_asleep(traced.pid, stage.ceiling)?;
    let trace = traced.text();
    let accepted = trace.lines().filter(|line| is_accepted(line)).count();
    Ok((accepted, trace.lines().filter_map(registration).collect()))
}

fn is_accepted(line: &str) -> bool {
    let result = line.rsplit_once(" = ").map_or("", |(_, result)| result);
    line.contains(" accept4(") && result.parse::<u32>().is_ok()
}

fn once(stage: &Stage) -> Outcome {
    if !stage::can_trace() {
        return stage::skip("truth::interest_once", stage::TRACING);
    }
    let (accepted, registration) = talk(stage)?;
    let due = accepted + 2;
    let other = registration
        .iter()
        .find(|registration| registration.operation != "ADD");
    if accepted != CONNECTIONS || registration.len() != due || other.is_some() {
        let count = registration.len();
        return Err(format!(
            "{accepted} connections and 2 listeners need {due} epoll_ctl \
             calls; there were {count}. The first that is not an ADD: \
             {other:?}"
        )
        .into());
    }
    Ok(PASSED)
}

fn changes(stage: &Stage) -> Outcome {
    if !stage::can_trace() {
        return stage::skip("truth::interest_changes", stage::TRACING);
    }
    let (accepted, registration) = talk(stage)?;
    let mut known: HashMap<&str, &str> = HashMap::new();
    let mut modified = 0;
    for Registration { operation, fd, interest } in &registration {
        let before = known.insert(fd, interest);
        if operation == "MOD" {
            modified += 1;
            if before == Some(interest) {
                return Err(format!(
                    "fd {fd} is already registered for {interest}, and \
                     epoll_ctl registers the same again"
                )
                .into());
            }
        }
    }
    if accepted != CONNECTIONS || modified < CONNECTIONS {
        return Err(format!(
            "{CONNECTIONS} connections had to wait for space in the send \
             buffer; {accepted} were accepted, and {modified} calls modified a \
             registration"
        )
        .into());
    }
    Ok(PASSED)
}
