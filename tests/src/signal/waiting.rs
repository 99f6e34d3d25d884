//! What is under way when the signal comes, or about to be.

use std::net::TcpStream;

use nix::sys::signal::Signal;

use super::{REQUEST, case, last_answer, must_end, send, until_closed};
use crate::files;
use crate::fixtures::{self, BIG, pattern};
use crate::number::Number;
use crate::server::Server;
use crate::stage::{Case, Outcome, PASSED, Stage};
use crate::wire::Client;
use crate::wire::client::End;

/// Connections that nobody has accepted when the signal comes: more than one
/// turn of the loop accepts.
const QUEUED: usize = 100;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "signal::response_in_flight",
            "A response of 64 MiB to a slow client is completed, while new \
             connections\n\
             are no longer accepted.",
            response_in_flight,
        ),
        case(
            "signal::head_in_flight",
            "Half a head has arrived before the signal. The other half \
             arrives after it,\n\
             and the request gets its response, with Connection: close.",
            head_in_flight,
        ),
        case(
            "signal::body_in_flight",
            "Half of a request's body has arrived before the signal, and the \
             rest arrives\n\
             after it.",
            body_in_flight,
        ),
        case(
            "signal::unread_request",
            "A request that is unread in its socket when the signal comes \
             gets its\n\
             response.",
            unread_request,
        ),
        Case {
            from: Number::step(5, 7),
            ..case(
                "signal::queued_connections",
                "Clients that are in the accept queue when the signal comes \
                 believe that they\n\
                 are connected. They are accepted, and get their responses.",
                queued_connections,
            )
        },
        Case {
            from: Number::step(5, 7),
            ..case(
                "signal::held_by_the_kernel",
                "A client that has connected and sent nothing is still with \
                 the kernel\n\
                 (TCP_DEFER_ACCEPT) when the signal comes. It sends its \
                 request a moment\n\
                 after the signal, and gets its response.",
                held_by_the_kernel,
            )
        },
    ]
}

fn response_in_flight(stage: &Stage) -> Outcome {
    fixtures::site().big()?;
    let mut server = stage.start_plain(&["--drain-timeout", "600"])?;
    let mut client = files::begin(&server, stage, "big.bin")?;
    send(&server, Signal::SIGTERM)?;
    until_closed(&server, stage)?;
    client.wait_for_end()?;
    let answer = client.reader.answers.first().ok_or("no answer")?;
    let right = |(at, byte): (usize, &u8)| *byte == pattern(at);
    let body = &answer.body;
    if body.len() != BIG || !body.iter().enumerate().all(right) {
        return Err(format!("{} of {BIG} bytes are right", body.len()).into());
    }
    must_end(&mut server, stage, (1, 0))?;
    Ok(PASSED)
}

/// A request of which `before` comes before the signal and `after` after it.
fn in_two(stage: &Stage, before: &[u8], after: &[u8]) -> Outcome {
    let mut server = stage.start_plain(&["--drain-timeout", "600"])?;
    let mut first = server.connect()?;
    first.send(before)?;
    first.settle(stage.ceiling);
    let mut second = server.connect()?;
    second.ask(REQUEST)?;
    second.send(before)?;
    second.settle(stage.ceiling);
    send(&server, Signal::SIGTERM)?;
    until_closed(&server, stage)?;
    for (name, client) in [("first", &mut first), ("second", &mut second)] {
        client.send(after)?;
        last_answer(client)
            .map_err(|why| format!("the {name} request: {why}"))?;
    }
    must_end(&mut server, stage, (2, 0))?;
    Ok(PASSED)
}

fn head_in_flight(stage: &Stage) -> Outcome {
    let (before, after) = REQUEST.split_at(20);
    in_two(stage, before, after)
}

fn body_in_flight(stage: &Stage) -> Outcome {
    let head = b"POST /echo HTTP/1.1\r\nHost: end\r\nContent-Length: 6\r\n\r\n";
    in_two(stage, &[head, &b"abc"[..]].concat(), b"def")
}

/// Has all that `meanwhile` does, and then a SIGTERM, wait for the server at
/// once.
fn while_stopped(
    server: &Server,
    meanwhile: impl FnOnce() -> Result<(), String>,
) -> Result<(), String> {
    send(server, Signal::SIGSTOP)?;
    let done = meanwhile().and_then(|()| send(server, Signal::SIGTERM));
    send(server, Signal::SIGCONT)?;
    done
}

/// Fails unless these are the answers, and then the end. Whether the last one
/// announces it depends on which of the two, request or signal, the server
/// sees first.
fn answered(client: &mut Client, due: &[u16]) -> Result<(), String> {
    client.wait_for_end()?;
    let statuses = client.reader.answers.iter().map(|a| a.status);
    let statuses: Vec<u16> = statuses.collect();
    if statuses == due && client.end == End::Closed {
        return Ok(());
    }
    Err(format!("{statuses:?}, and then {:?}", client.end))
}

fn unread_request(stage: &Stage) -> Outcome {
    let mut server = stage.start_plain(&["--drain-timeout", "600"])?;
    let mut clients = Vec::new();
    for _ in 0..QUEUED {
        let mut client = server.connect()?;
        client.ask(REQUEST)?;
        clients.push(client);
    }
    while_stopped(&server, || {
        clients.iter_mut().try_for_each(|client| client.send(REQUEST))
    })?;
    for (at, client) in clients.iter_mut().enumerate() {
        answered(client, &[200, 200])
            .map_err(|why| format!("client {at}: {why}"))?;
    }
    let status = server.wait_for_exit(stage.ceiling)?;
    if !status.success() {
        return Err(format!("it ended with {status}").into());
    }
    Ok(PASSED)
}

fn queued_connections(stage: &Stage) -> Outcome {
    // With the default of --defer-accept, as users run it.
    let mut server = stage.start(&["--quiet", "--drain-timeout", "600"])?;
    server.check_alive()?;
    let mut clients: Vec<Client> = Vec::new();
    while_stopped(&server, || {
        for _ in 0..QUEUED {
            // Not `Server::connect`: it may not be waited for.
            let stream = TcpStream::connect(server.address());
            let stream = stream.map_err(|error| error.to_string())?;
            let client = Client::adopt(stream, stage.ceiling);
            let mut client = client.map_err(|error| error.to_string())?;
            client.send(REQUEST)?;
            clients.push(client);
        }
        Ok(())
    })?;
    for (at, client) in clients.iter_mut().enumerate() {
        answered(client, &[200])
            .map_err(|why| format!("client {at}: {why}"))?;
    }
    let status = server.wait_for_exit(stage.ceiling)?;
    if !status.success() {
        return Err(format!("it ended with {status}").into());
    }
    Ok(PASSED)
}

/// How often it is tried to be early enough: a listener stays for half a
/// second, which a busy machine may take from the client.
const TRIES: usize = 5;

fn held_by_the_kernel(stage: &Stage) -> Outcome {
    let mut complaint = String::new();
    for _ in 0..TRIES {
        // For a minute, so that it is held for certain.
        let flags = ["--defer-accept", "60", "--idle-timeout", "600"];
        let mut server = stage.start(&flags)?;
        let mut held = server.connect()?;
        let mut idle = server.connect()?;
        idle.ask(REQUEST)?;
        send(&server, Signal::SIGTERM)?;
        // It has begun to stop once it closes who is idle.
        idle.wait_for_end()?;
        // By the first half it becomes a connection. The second one comes for
        // a connection that has begun at a deaf listener.
        let (half, rest) = REQUEST.split_at(REQUEST.len() / 2);
        let asked = held.send(half).and_then(|()| held.send(rest));
        let asked = asked.and_then(|()| last_answer(&mut held));
        drop((held, idle));
        server.wait_for_exit(stage.ceiling)?;
        match asked {
            Ok(()) => return Ok(PASSED),
            Err(why) => complaint = why,
        }
    }
    Err(complaint.into())
}
