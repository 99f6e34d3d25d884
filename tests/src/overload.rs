//! No room: more clients than the server may have descriptors.
//!
//! accept(2) then fails with EMFILE and leaves the connection where it was, in
//! the backlog; so the listener stays ready, and a loop that just goes on asks
//! about it for ever.

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

/// More than fit.
const CLIENTS: usize = 100;

/// How long the server is watched while it has no room.
const WATCHED: Duration = Duration::from_secs(2);

/// What it may use in this time: to look again each second is no spin.
const TICKS: u64 = 10;
const WAKE_UPS: u64 = 10;
const LINES: usize = 5;

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
            "With 64 descriptors and 100 clients, accepted clients are served \
             and the\n\
             others wait. The server logs that now and then and otherwise \
             sleeps. When\n\
             clients disconnect, those that waited are served: none is lost.",
            more_clients_than_descriptors,
        ),
        of_ours(
            "overload::files_when_full",
            (Number::step(5, 5), Number::EVER),
            "Connections do not use up all descriptors: an admitted client \
             can get a\n\
             file, however many others wait.",
            files_when_full,
        ),
        of_ours(
            "overload::no_file_when_full",
            // On stage 1 each thread that sleeps in accept(2) holds the
            // number of its next descriptor: Linux takes it before it waits.
            (Number::stage(2), Number::step(5, 4)),
            "Idle clients can use up all descriptors. Then no descriptor is \
             left to open\n\
             a file: an accepted client gets 503, and its connection stays \
             open.",
            no_file_when_full,
        ),
    ]
}

/// A server that is full, and its clients, in the order of connecting.
fn full(stage: &Stage) -> Result<(Server, Vec<Client>), String> {
    let (server, clients) = crowd(stage, &[])?;
    let lines = server.stderr.wait_for(1, stage.ceiling);
    match lines.first() {
        Some(line) if line.contains("cannot accept: ") => {}
        other => {
            return Err(format!(
                "one line `cannot accept: …` was due on stderr; \
                 there was {other:?}"
            ));
        }
    }
    Ok((server, clients))
}

/// A server with few descriptors, and many clients that have connected.
fn crowd(
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
    watch(&server, stage)?;
    check(0, &mut clients[0])?;
    // The last comes first, for the order of asking must not matter.
    for (at, client) in clients.iter_mut().enumerate().rev() {
        client.send(&request(at))?;
    }
    for (at, mut client) in clients.into_iter().enumerate() {
        let answers = if at == 0 { 2 } else { 1 };
        client.wait_for_answers(answers).map_err(|why| {
            format!("client {at}, after {at} others have left: {why}")
        })?;
        judge(at, &client)?;
    }
    process::until("the descriptors of those who left", stage.ceiling, || {
        let open = process::descriptors(server.pid());
        open.is_ok_and(|open| open < usize::from(DESCRIPTORS) / 2)
    })?;
    check(CLIENTS, &mut server.connect()?)?;
    Ok(PASSED)
}

/// Fails if a server with no room does more than look again now and then.
pub(crate) fn watch(server: &Server, stage: &Stage) -> Result<(), String> {
    // On stage 1 each of a hundred threads finds no room for itself.
    let each: u8 = if stage.number == 1 { 100 } else { 1 };
    let before = process::used(server.pid())?;
    let said = server.stderr.so_far().len();
    thread::sleep(WATCHED);
    let after = process::used(server.pid())?;
    let said = server.stderr.so_far().len() - said;
    let Used { ticks, voluntary, .. } = before;
    let (ticks, woken) = (after.ticks - ticks, after.voluntary - voluntary);
    let spins = ticks > TICKS || woken > WAKE_UPS * u64::from(each);
    if spins || said > LINES * usize::from(each) {
        return Err(format!(
            "in {} s without room it used {ticks} ticks of 10 ms, was woken \
             {woken} times and wrote {said} lines",
            WATCHED.as_secs()
        ));
    }
    Ok(())
}

/// A request of a client's own, which takes no descriptor to answer.
fn request(client: usize) -> Vec<u8> {
    format!(
        "POST /echo HTTP/1.1\r\nHost: room\r\nContent-Length: 10\r\n\r\n\
         client {client:03}"
    )
    .into_bytes()
}

pub(crate) fn check(at: usize, client: &mut Client) -> Result<(), String> {
    client
        .ask(&request(at))
        .map_err(|why| format!("client {at}, for whom there is room: {why}"))?;
    judge(at, client)
}

/// Whether the last answer is the client's own.
fn judge(at: usize, client: &Client) -> Result<(), String> {
    let own = format!("client {at:03}");
    match client.reader.answers.last() {
        Some(answer)
            if answer.status == 200 && answer.body == own.as_bytes() =>
        {
            Ok(())
        }
        other => Err(format!("client {at} got {other:?}")),
    }
}

fn files_when_full(stage: &Stage) -> Outcome {
    let (server, mut clients) = crowd(stage, &[])?;
    process::until_asleep(server.pid(), stage.ceiling)?;
    let answer = clients[0].ask(FILE)?;
    if answer.status != 200 || answer.body != HELLO {
        let status = answer.status;
        return Err(format!("GET /hello.txt was answered {status}").into());
    }
    Ok(PASSED)
}

fn no_file_when_full(stage: &Stage) -> Outcome {
    let (_server, mut clients) = full(stage)?;
    let first = clients[0].ask(FILE)?;
    // Clients that leave make room, also for files.
    clients.truncate(1);
    let mut answered = || clients[0].ask(FILE).map(|answer| answer.status);
    let mut second = answered()?;
    process::until("a descriptor for the file", stage.ceiling, || {
        if second == 503 {
            second = answered().unwrap_or(0);
        }
        second != 503
    })?;
    if first.status != 503 || second != 200 {
        let first = first.status;
        return Err(format!("answered {first}, and then {second}").into());
    }
    Ok(PASSED)
}
