//! Limits on how many, and what those beyond are told.

use crate::fixtures::HELLO;
use crate::number::Number;
use crate::overload;
use crate::process;
use crate::server::Server;
use crate::stage::{Case, Outcome, PASSED, Stage};
use crate::wire::Client;
use crate::wire::client::End;

const REQUEST: &[u8] = b"GET /hello.txt HTTP/1.1\r\nHost: limit\r\n\r\n";

/// `--max-connections` in these tests.
const MOST: usize = 8;

/// What is left of a server's descriptors, in the test of running out.
const FEWER: libc::rlim_t = 40;

/// How many come when there is no room, in the test of a crowd.
const CROWD: usize = 40;

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    let case = |name, promise, run| Case {
        name,
        promise,
        from: Number::step(5, 5),
        until: Number::EVER,
        any_server: false,
        run,
    };
    vec![
        case(
            "limits::one_too_many",
            "With --max-connections 8 the ninth client gets 503 with \
             Retry-After and is\n\
             disconnected, whether it sends a request or is silent. The eight \
             stay. When\n\
             one of them disconnects, the next client is served.",
            one_too_many,
        ),
        case(
            "limits::crowd",
            "Forty clients connect while the server is at its connection \
             limit. Each gets\n\
             503 and none a reset. Afterwards the server still sleeps.",
            crowd,
        ),
        case(
            "limits::descriptors",
            "Descriptors run out before --max-connections is reached. The \
             server uses its\n\
             spare one: new clients get 503, admitted clients are served, and \
             the server\n\
             neither spins nor fills its log.",
            descriptors,
        ),
    ]
}

/// A server with `MOST` connections, all that it takes, each of them asked
/// once.
fn full(stage: &Stage) -> Result<(Server, Vec<Client>), String> {
    let server = stage.start_plain(&["--max-connections", "8"])?;
    let mut clients = Vec::new();
    for _ in 0..MOST {
        let mut client = server.connect()?;
        served(&mut client)?;
        clients.push(client);
    }
    Ok((server, clients))
}

fn served(client: &mut Client) -> Result<(), String> {
    let answer = client.ask(REQUEST)?;
    if answer.status == 200 && answer.body == HELLO {
        return Ok(());
    }
    Err(format!("a client for whom there is room: {}", answer.status))
}

/// Waits for the end, and checks that it was a polite refusal.
fn refused(mut client: Client) -> Result<(), String> {
    client.wait_for_end()?;
    let answers = &client.reader.answers;
    let [answer] = &answers[..] else {
        let (count, end) = (answers.len(), client.end);
        return Err(format!("{count} answers, and then {end:?}"));
    };
    let after = answer.field("Retry-After").unwrap_or("");
    let close = answer.field("Connection").unwrap_or("");
    if answer.status != 503
        || after.parse::<u32>().is_err()
        || !close.eq_ignore_ascii_case("close")
        || client.end != End::Closed
    {
        let head = String::from_utf8_lossy(&answer.head);
        return Err(format!("{head}\nand then {:?}", client.end));
    }
    Ok(())
}

fn one_too_many(stage: &Stage) -> Outcome {
    let (server, mut clients) = full(stage)?;
    let silent = server.connect()?;
    refused(silent).map_err(|why| format!("the silent ninth: {why}"))?;
    let mut asking = server.connect()?;
    asking.send(REQUEST)?;
    refused(asking).map_err(|why| format!("the asking ninth: {why}"))?;
    for client in &mut clients {
        served(client)?;
    }
    // Whether the descriptor is free already can't be seen from here, so the
    // next one may come too early, and hear so.
    clients.pop();
    let mut last = String::new();
    process::until("room for the next", stage.ceiling, || {
        let next = server.connect().and_then(|mut next| served(&mut next));
        next.map_err(|why| last = why).is_ok()
    })
    .map_err(|why| format!("{why}: {last}"))?;
    Ok(PASSED)
}

fn crowd(stage: &Stage) -> Outcome {
    let (server, mut clients) = full(stage)?;
    let mut crowd = Vec::new();
    for _ in 0..CROWD {
        let mut client = server.connect()?;
        client.send(REQUEST)?;
        crowd.push(client);
    }
    for (at, client) in crowd.into_iter().enumerate() {
        refused(client).map_err(|why| format!("number {at}: {why}"))?;
    }
    overload::watch(&server, stage)?;
    for client in &mut clients {
        served(client)?;
    }
    Ok(PASSED)
}

fn descriptors(stage: &Stage) -> Outcome {
    let flags = ["--max-connections", "1000", "--head-timeout", "600"];
    let server = overload::start(stage, &flags)?;
    // The server has computed its connection limit from the descriptors it
    // was allowed. With fewer than that, they run out first.
    process::until_asleep(server.pid(), stage.ceiling)?;
    process::limit_descriptors(server.pid(), FEWER)?;
    let mut clients = overload::connect(&server)?;
    // The first line says that the limit does not fit into the descriptors.
    let lines = server.stderr.wait_for(2, stage.ceiling);
    for part in ["--max-connections 1000", "cannot accept: "] {
        if !lines.iter().any(|line| line.contains(part)) {
            return Err(format!("not on stderr: {part}: {lines:?}").into());
        }
    }
    overload::watch(&server, stage)?;
    // The first who hears anything without having asked is refused. Whoever
    // is refused and leaves makes room for the next, who hears so too.
    let mut first = None;
    process::until("somebody to be refused", stage.ceiling, || {
        first = clients.iter_mut().position(|client| {
            client.take();
            !client.received.is_empty()
        });
        first.is_some()
    })?;
    let refusals = clients.split_off(first.unwrap_or(0).max(2));
    for (at, client) in refusals.into_iter().enumerate() {
        refused(client).map_err(|why| format!("refusal {at}: {why}"))?;
    }
    for (at, client) in clients.iter_mut().enumerate() {
        overload::check(at, client)?;
    }
    clients.truncate(1);
    process::until("the descriptors of those who left", stage.ceiling, || {
        let open = process::descriptors(server.pid());
        open.is_ok_and(|open| open < usize::from(overload::DESCRIPTORS) / 2)
    })?;
    served(&mut server.connect()?)?;
    Ok(PASSED)
}
