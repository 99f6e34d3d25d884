//! Requests and connections that are in flight when the signal arrives.

use std::net::TcpStream;

use nix::sys::signal::Signal;

use super::{REQUEST, case, expect_exit, last_response, send, until_closed};
use crate::files;
use crate::fixtures::{self, BIG, pattern};
use crate::number::Number;
use crate::process;
use crate::server::Server;
use crate::stage::{Case, Outcome, PASSED, Stage};
use crate::wire::Client;
use crate::wire::client::{CEILING, End};

/// Connections in the accept queue when the signal arrives: several times what
/// the server accepts per iteration, as it may begin to accept before it hears
/// of the signal.
const QUEUED: usize = 300;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "signal::response_in_flight",
            "A response of 64 MiB to a slow client is finished, although the \
             server no\nlonger accepts connections.",
            response_in_flight,
        ),
        case(
            "signal::partial_head",
            "The first half of a head arrives before the signal, the other \
             half after it.\nThe request is answered, with Connection: close.",
            partial_head,
        ),
        case(
            "signal::partial_body",
            "The first half of a request body arrives before the signal, the \
             rest after\nit. The request is answered.",
            partial_body,
        ),
        case(
            "signal::unread_request",
            "A request that is unread in its socket when the signal arrives is \
             answered.",
            unread_request,
        ),
        Case {
            from: Number::step(5, 7),
            ..case(
                "signal::queued_connections",
                "Clients whose connections are in the accept queue when the signal \
                 arrives\nare accepted and answered: for them the connection is \
                 established.",
                queued_connections,
            )
        },
        Case {
            from: Number::step(5, 7),
            ..case(
                "signal::deferred_connection",
                "The kernel still holds back the connection of a client that has \
                 sent nothing\n(TCP_DEFER_ACCEPT) when the signal arrives. The \
                 client's request comes a\nmoment later and is answered.",
                deferred_connection,
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
    let response = client.reader.responses.first().ok_or("no response")?;
    let matches = |(index, byte): (usize, &u8)| *byte == pattern(index);
    let body = &response.body;
    if body.len() != BIG || !body.iter().enumerate().all(matches) {
        return Err(format!("{} of {BIG} bytes are right", body.len()).into());
    }
    expect_exit(&mut server, stage, (1, 0))?;
    Ok(PASSED)
}

/// A request whose first part, `before`, arrives before the signal, and `after`
/// after it.
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
        last_response(client)
            .map_err(|why| format!("the {name} request: {why}"))?;
    }
    expect_exit(&mut server, stage, (2, 0))?;
    Ok(PASSED)
}

fn partial_head(stage: &Stage) -> Outcome {
    let (before, after) = REQUEST.split_at(20);
    in_two(stage, before, after)
}

fn partial_body(stage: &Stage) -> Outcome {
    let head = b"POST /echo HTTP/1.1\r\nHost: end\r\nContent-Length: 6\r\n\r\n";
    in_two(stage, &[head, &b"abc"[..]].concat(), b"def")
}

/// Stops the server's process, runs `action`, sends SIGTERM, and lets the
/// process continue: it finds everything at once.
fn while_stopped(
    server: &Server,
    action: impl FnOnce() -> Result<(), String>,
) -> Result<(), String> {
    send(server, Signal::SIGSTOP)?;
    process::until_stopped(server.pid(), CEILING)?;
    let done = action().and_then(|()| send(server, Signal::SIGTERM));
    send(server, Signal::SIGCONT)?;
    done
}

/// Fails unless the responses have these statuses, followed by an orderly
/// close. Whether the last one says `Connection: close` depends on whether the
/// server sees the request or the signal first.
fn expect_statuses(
    client: &mut Client,
    expected: &[u16],
) -> Result<(), String> {
    client.wait_for_end()?;
    let statuses = client.reader.responses.iter().map(|a| a.status);
    let statuses: Vec<u16> = statuses.collect();
    if statuses == expected && client.end == End::Closed {
        return Ok(());
    }
    Err(format!("statuses {statuses:?}, then {:?}", client.end))
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
    for (index, client) in clients.iter_mut().enumerate() {
        expect_statuses(client, &[200, 200])
            .map_err(|why| format!("client {index}: {why}"))?;
    }
    let status = server.wait_for_exit(stage.ceiling)?;
    if !status.success() {
        return Err(format!("the server ended with {status}").into());
    }
    Ok(PASSED)
}

fn queued_connections(stage: &Stage) -> Outcome {
    // With the default of --defer-accept, as users run it.
    let mut flags = vec!["--quiet", "--drain-timeout", "600"];
    if stage.at >= Number::step(6, 2) {
        // All in one accept queue, however many CPUs there are.
        flags.extend(["--threads", "1"]);
    }
    let mut server = stage.start(&flags)?;
    server.check_alive()?;
    let mut clients: Vec<Client> = Vec::new();
    while_stopped(&server, || {
        for _ in 0..QUEUED {
            // Not `Server::connect`, which waits for the stopped server.
            let stream = TcpStream::connect(server.address());
            let stream = stream.map_err(|error| error.to_string())?;
            let client = Client::adopt(stream, stage.ceiling);
            let mut client = client.map_err(|error| error.to_string())?;
            client.send(REQUEST)?;
            clients.push(client);
        }
        Ok(())
    })?;
    for (index, client) in clients.iter_mut().enumerate() {
        expect_statuses(client, &[200])
            .map_err(|why| format!("client {index}: {why}"))?;
    }
    let status = server.wait_for_exit(stage.ceiling)?;
    if !status.success() {
        return Err(format!("the server ended with {status}").into());
    }
    Ok(PASSED)
}

/// Attempts to be early enough: a listener stays for half a second, and a busy
/// machine may let the client miss that.
const TRIES: usize = 5;

fn deferred_connection(stage: &Stage) -> Outcome {
    let mut last_error = String::new();
    for _ in 0..TRIES {
        // A minute, so that the kernel certainly still holds it.
        let flags = ["--defer-accept", "60", "--idle-timeout", "600"];
        let mut server = stage.start(&flags)?;
        let mut deferred = server.connect()?;
        let mut idle = server.connect()?;
        idle.ask(REQUEST)?;
        send(&server, Signal::SIGTERM)?;
        // Shutdown has begun once the server closes its idle connections.
        idle.wait_for_end()?;
        // The first half completes the connection. The second half reaches a
        // connection that was established at a quiesced listener.
        let (half, rest) = REQUEST.split_at(REQUEST.len() / 2);
        let result = deferred.send(half).and_then(|()| deferred.send(rest));
        let result = result.and_then(|()| last_response(&mut deferred));
        drop((deferred, idle));
        server.wait_for_exit(stage.ceiling)?;
        match result {
            Ok(()) => return Ok(PASSED),
            Err(why) => last_error = why,
        }
    }
    Err(last_error.into())
}
