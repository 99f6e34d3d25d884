//! The connection limit, and how the server rejects clients beyond it.

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
const LIMIT: usize = 8;

/// What is left of a server's descriptors, in the test of running out.
const FEWER: libc::rlim_t = 40;

/// Clients that connect while the server is at the limit.
const BURST: usize = 40;

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
             Retry-After and a\nclose, whether it has sent a request or not. \
             The eight are still served.\nWhen one of them disconnects, the \
             next client is served.",
            one_too_many,
        ),
        case(
            "limits::burst",
            "Forty clients connect while the server is at its connection \
             limit. Each gets\n503 and none gets a reset. Afterwards the \
             server is idle again.",
            burst,
        ),
        case(
            "limits::descriptors",
            "The descriptor limit is reached before --max-connections. Thanks \
             to a spare\ndescriptor, new clients get 503. Open connections \
             keep being served, and the\nserver neither spins nor floods its \
             log.",
            descriptors,
        ),
    ]
}

/// A server at its limit of `LIMIT` connections. Each has made one request.
fn full(stage: &Stage) -> Result<(Server, Vec<Client>), String> {
    let server = stage.start_plain(&["--max-connections", "8"])?;
    let mut clients = Vec::new();
    for _ in 0..LIMIT {
        let mut client = server.connect()?;
        expect_200(&mut client)?;
        clients.push(client);
    }
    Ok((server, clients))
}

fn expect_200(client: &mut Client) -> Result<(), String> {
    let response = client.ask(REQUEST)?;
    if response.status == 200 && response.body == HELLO {
        return Ok(());
    }
    Err(format!("a client within the limit got {}", response.status))
}

/// Waits for the end and checks that it was a 503 and an orderly close.
fn expect_503(mut client: Client) -> Result<(), String> {
    client.wait_for_end()?;
    let responses = &client.reader.responses;
    let [response] = &responses[..] else {
        let (count, end) = (responses.len(), client.end);
        return Err(format!("{count} responses, then {end:?}"));
    };
    let after = response.field("Retry-After").unwrap_or("");
    let close = response.field("Connection").unwrap_or("");
    if response.status != 503
        || after.parse::<u32>().is_err()
        || !close.eq_ignore_ascii_case("close")
        || client.end != End::Closed
    {
        let head = String::from_utf8_lossy(&response.head);
        return Err(format!("{head}\nthen {:?}", client.end));
    }
    Ok(())
}

fn one_too_many(stage: &Stage) -> Outcome {
    let (server, mut clients) = full(stage)?;
    let silent = server.connect()?;
    expect_503(silent).map_err(|why| format!("silent ninth client: {why}"))?;
    let mut requesting = server.connect()?;
    requesting.send(REQUEST)?;
    expect_503(requesting).map_err(|why| format!("ninth client: {why}"))?;
    for client in &mut clients {
        expect_200(client)?;
    }
    // We can't see when the server has closed the descriptor, so the next
    // client may still be rejected: try again.
    clients.pop();
    let mut last = String::new();
    process::until("the next client to be served", stage.ceiling, || {
        let next = server.connect().and_then(|mut next| expect_200(&mut next));
        next.map_err(|why| last = why).is_ok()
    })
    .map_err(|why| format!("{why}: {last}"))?;
    Ok(PASSED)
}

fn burst(stage: &Stage) -> Outcome {
    let (server, mut clients) = full(stage)?;
    let mut burst = Vec::new();
    for _ in 0..BURST {
        let mut client = server.connect()?;
        client.send(REQUEST)?;
        burst.push(client);
    }
    for (index, client) in burst.into_iter().enumerate() {
        expect_503(client).map_err(|why| format!("client {index}: {why}"))?;
    }
    overload::expect_idle(&server, stage)?;
    for client in &mut clients {
        expect_200(client)?;
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
    // The first line warns that --max-connections exceeds the descriptor limit.
    let lines = server.stderr.wait_for(2, stage.ceiling);
    for part in ["--max-connections 1000", "cannot accept: "] {
        if !lines.iter().any(|line| line.contains(part)) {
            return Err(format!("stderr lacks `{part}`: {lines:?}").into());
        }
    }
    overload::expect_idle(&server, stage)?;
    // A client that receives bytes without having sent a request is being
    // rejected. Each rejected client that closes frees the spare descriptor,
    // and the next client is rejected.
    let mut first = None;
    process::until("a client to be rejected", stage.ceiling, || {
        first = clients.iter_mut().position(|client| {
            client.take();
            !client.received.is_empty()
        });
        first.is_some()
    })?;
    let rejected = clients.split_off(first.unwrap_or(0).max(2));
    for (index, client) in rejected.into_iter().enumerate() {
        expect_503(client)
            .map_err(|why| format!("rejected client {index}: {why}"))?;
    }
    for (index, client) in clients.iter_mut().enumerate() {
        overload::expect_echo(index, client)?;
    }
    clients.truncate(1);
    process::until(
        "the descriptors of disconnected clients",
        stage.ceiling,
        || {
            let open = process::descriptors(server.pid());
            open.is_ok_and(|open| open < usize::from(overload::DESCRIPTORS) / 2)
        },
    )?;
    expect_200(&mut server.connect()?)?;
    Ok(PASSED)
}
