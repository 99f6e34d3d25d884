//! Overload: more clients than the descriptor limit allows.
//!
//! accept(2) then fails with EMFILE and leaves the connection in the accept
//! queue. So the listener stays ready, and a loop that ignores the error spins.

use std::thread;
use std::time::Duration;

use crate::fixtures::HELLO;
use crate::number::Number;
use crate::process::{self, Used};
use crate::server::Server;
use crate::stage::{Case, Outcome, PASSED, Stage};
use crate::wire::Client;

/// `RLIMIT_NOFILE` of the server.
pub(crate) const DESCRIPTORS: u8 = 64;

/// More clients than descriptors.
const CLIENTS: usize = 100;

/// How long we watch the overloaded server.
const WATCH_TIME: Duration = Duration::from_secs(2);

/// What it may use in that time. A retry per second is fine.
const MAX_TICKS: u64 = 10;
const MAX_WAKE_UPS: u64 = 10;
const MAX_LINES: usize = 5;

/// A request that needs a descriptor.
const FILE: &[u8] = b"GET /hello.txt HTTP/1.1\r\nHost: room\r\n\r\n";

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    let of_ours = |name, (from, until), promise, run| Case {
        name,
        promise,
        from,
        until,
        any_server: false,
        run,
    };
    vec![
        of_ours(
            "overload::more_clients_than_descriptors",
            (Number::stage(2), Number::step(5, 4)),
            "With 64 descriptors and 100 clients, the accepted clients are \
             served and the\nothers wait in the accept queue. The server logs \
             that once in a while and\notherwise sleeps. When clients \
             disconnect, the waiting ones are served: none\nis lost.",
            more_clients_than_descriptors,
        ),
        of_ours(
            "overload::files_when_full",
            (Number::step(5, 5), Number::EVER),
            "Connections can't use up all descriptors: an accepted client can \
             get a file,\nhowever many others wait.",
            files_when_full,
        ),
        of_ours(
            "overload::no_file_when_full",
            // On stage 1 each thread that blocks in accept(2) already holds a
            // descriptor number: Linux allocates it before it waits.
            (Number::stage(2), Number::step(5, 4)),
            "Idle clients can use up all descriptors. Then none is left to \
             open a file,\nand an accepted client gets 503 and keeps its \
             connection.",
            no_file_when_full,
        ),
    ]
}

/// A server at its descriptor limit, and its clients in the order of
/// connecting.
fn full(stage: &Stage) -> Result<(Server, Vec<Client>), String> {
    let (server, clients) = overloaded(stage, &[])?;
    let lines = server.stderr.wait_for(1, stage.ceiling);
    match lines.first() {
        Some(line) if line.contains("cannot accept: ") => {}
        other => {
            return Err(format!(
                "expected one line `cannot accept: …` on stderr, got {other:?}"
            ));
        }
    }
    Ok((server, clients))
}

/// A server with few descriptors, and many connected clients.
fn overloaded(
    stage: &Stage,
    flags: &[&str],
) -> Result<(Server, Vec<Client>), String> {
    let server = start(stage, flags)?;
    let clients = connect(&server)?;
    Ok((server, clients))
}

/// A server with few descriptors.
pub(crate) fn start(stage: &Stage, flags: &[&str]) -> Result<Server, String> {
    let descriptors = Some(DESCRIPTORS.into());
    Stage { descriptors, ..stage.clone() }.start_plain(flags)
}

/// More clients than the server has descriptors.
pub(crate) fn connect(server: &Server) -> Result<Vec<Client>, String> {
    process::allow_descriptors(1024)?;
    (0..CLIENTS).map(|_| server.connect()).collect()
}

fn more_clients_than_descriptors(stage: &Stage) -> Outcome {
    let (server, mut clients) = full(stage)?;
    expect_idle(&server, stage)?;
    expect_echo(0, &mut clients[0])?;
    // In reverse, because the order of requests must not matter.
    for (index, client) in clients.iter_mut().enumerate().rev() {
        client.send(&request(index))?;
    }
    for (index, mut client) in clients.into_iter().enumerate() {
        let responses = if index == 0 { 2 } else { 1 };
        client.wait_for_responses(responses).map_err(|why| {
            format!("client {index}, after {index} others disconnected: {why}")
        })?;
        check_echo(index, &client)?;
    }
    process::until(
        "the descriptors of disconnected clients",
        stage.ceiling,
        || {
            let open = process::descriptors(server.pid());
            open.is_ok_and(|open| open < usize::from(DESCRIPTORS) / 2)
        },
    )?;
    expect_echo(CLIENTS, &mut server.connect()?)?;
    Ok(PASSED)
}

/// Fails if an overloaded server does more than retry now and then.
pub(crate) fn expect_idle(
    server: &Server,
    stage: &Stage,
) -> Result<(), String> {
    // On stage 1 each of a hundred threads gets EMFILE.
    let each: u8 = if stage.number == 1 { 100 } else { 1 };
    let before = process::used(server.pid())?;
    let lines = server.stderr.so_far().len();
    thread::sleep(WATCH_TIME);
    let after = process::used(server.pid())?;
    let lines = server.stderr.so_far().len() - lines;
    let Used { ticks, voluntary, .. } = before;
    let ticks = after.ticks - ticks;
    // A thread that has ended takes its count with it.
    let woken = after.voluntary.saturating_sub(voluntary);
    let spins = ticks > MAX_TICKS || woken > MAX_WAKE_UPS * u64::from(each);
    if spins || lines > MAX_LINES * usize::from(each) {
        return Err(format!(
            "in {} s of overload it used {ticks} ticks of 10 ms, woke up \
             {woken} times and wrote {lines} lines",
            WATCH_TIME.as_secs()
        ));
    }
    Ok(())
}

/// A request that identifies the client and needs no descriptor.
fn request(client: usize) -> Vec<u8> {
    format!(
        "POST /echo HTTP/1.1\r\nHost: room\r\nContent-Length: 10\r\n\r\n\
         client {client:03}"
    )
    .into_bytes()
}

pub(crate) fn expect_echo(
    index: usize,
    client: &mut Client,
) -> Result<(), String> {
    client
        .ask(&request(index))
        .map_err(|why| format!("client {index}, which was accepted: {why}"))?;
    check_echo(index, client)
}

/// Fails unless the last response echoes the client's own request.
fn check_echo(index: usize, client: &Client) -> Result<(), String> {
    let own = format!("client {index:03}");
    match client.reader.responses.last() {
        Some(response)
            if response.status == 200 && response.body == own.as_bytes() =>
        {
            Ok(())
        }
        other => Err(format!("client {index} got {other:?}")),
    }
}

fn files_when_full(stage: &Stage) -> Outcome {
    let (server, mut clients) = overloaded(stage, &[])?;
    process::until_asleep(server.pid(), stage.ceiling)?;
    let response = clients[0].ask(FILE)?;
    if response.status != 200 || response.body != HELLO {
        let status = response.status;
        return Err(format!("GET /hello.txt got {status}").into());
    }
    Ok(PASSED)
}

fn no_file_when_full(stage: &Stage) -> Outcome {
    let (_server, mut clients) = full(stage)?;
    let first = clients[0].ask(FILE)?;
    // Clients that disconnect free descriptors, also for files.
    clients.truncate(1);
    let mut answered = || clients[0].ask(FILE).map(|response| response.status);
    let mut second = answered()?;
    process::until("a descriptor for the file", stage.ceiling, || {
        if second == 503 {
            second = answered().unwrap_or(0);
        }
        second != 503
    })?;
    if first.status != 503 || second != 200 {
        let first = first.status;
        return Err(format!(
            "expected 503, then 200; got {first}, then {second}"
        )
        .into());
    }
    Ok(PASSED)
}
