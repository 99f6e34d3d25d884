//! Clients that keep silent: whatever they leave undone, nobody else waits.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::fixtures::{self, BIG, HELLO};
use crate::number::Number;
use crate::process;
use crate::server::Server;
use crate::stage::{Case, Outcome, PASSED, Stage};
use crate::wire::Client;

const REQUEST: &[u8] = b"GET /hello.txt HTTP/1.1\r\nHost: silence\r\n\r\n";

/// How many requests another client has answered beside the silent one.
const BESIDE: usize = 20;

/// Silent clients at once: far more than a server has threads.
const THOUSAND: usize = 1000;

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    let case = |name, from, any_server, promise, run| Case {
        name,
        promise,
        from,
        until: Number::EVER,
        any_server,
        run,
    };
    vec![
        case(
            "idle_clients::idle_client",
            Number::stage(1),
            true,
            "A client that connects and sends nothing delays no other client, \
             and is\n\
             served when it sends a request.",
            idle_client,
        ),
        case(
            "idle_clients::one_byte",
            Number::stage(1),
            true,
            "A client that sends one byte of a request delays no other \
             client, and is\n\
             served when it sends the rest.",
            one_byte,
        ),
        case(
            "idle_clients::never_reads",
            Number::stage(1),
            false,
            "A client that requests 64 MiB, and then ten files, and does not \
             read, delays\n\
             no other client. In the meantime the server sleeps. When the \
             client finally\n\
             reads, it gets every byte.",
            never_reads,
        ),
        case(
            "idle_clients::no_wake_ups",
            Number::stage(1),
            true,
            "A hundred idle connections cost nothing: the server sleeps until \
             one of them\n\
             sends something. It does not poll them.",
            no_wake_ups,
        ),
        case(
            "idle_clients::no_thread_each",
            Number::stage(2),
            true,
            "Two hundred connections with half a request take no thread and \
             no process\n\
             each: one thread waits for all of them.",
            no_thread_each,
        ),
        case(
            "idle_clients::a_thousand_idle",
            Number::stage(2),
            true,
            "A thousand idle clients delay no other client, and each is \
             served when it\n\
             sends a request.",
            a_thousand_idle,
        ),
    ]
}

fn idle_client(stage: &Stage) -> Outcome {
    let mut server = stage.start(&["--quiet"])?;
    let mut silent = server.connect()?;
    others(&server)?;
    check("the idle client, when it spoke", &mut silent, REQUEST)?;
    server.check_alive()?;
    Ok(PASSED)
}

fn one_byte(stage: &Stage) -> Outcome {
    let mut server = stage.start(&["--quiet"])?;
    let mut slow = server.connect()?;
    let (first, rest) = REQUEST.split_at(1);
    slow.send(first)?;
    slow.settle(stage.ceiling);
    others(&server)?;
    check("the client of one byte, when it went on", &mut slow, rest)?;
    server.check_alive()?;
    Ok(PASSED)
}

/// Another client connects and asks, again and again.
fn others(server: &Server) -> Result<(), String> {
    let mut client = server.connect()?;
    for number in 1..=BESIDE {
        check(&format!("request {number} beside"), &mut client, REQUEST)?;
    }
    check("a new client", &mut server.connect()?, REQUEST)
}

fn check(who: &str, client: &mut Client, bytes: &[u8]) -> Result<(), String> {
    let answer = client.ask(bytes).map_err(|why| format!("{who}: {why}"))?;
    if answer.status == 200 && answer.body == HELLO {
        return Ok(());
    }
    Err(format!("{who}: status {}", answer.status))
}

fn never_reads(stage: &Stage) -> Outcome {
    fixtures::site().big()?;
    let mut server = stage.start(&["--quiet"])?;
    let mut stream = TcpStream::connect(server.address())?;
    stream.set_read_timeout(Some(stage.ceiling))?;
    let fields = "HTTP/1.1\r\nHost: silence\r\n";
    let mut requests = format!("GET /big.bin {fields}\r\n");
    requests.push_str(&format!("GET /mebibyte.bin {fields}\r\n").repeat(9));
    requests.push_str("GET /mebibyte.bin ");
    requests.push_str(fields);
    requests.push_str("Connection: close\r\n\r\n");
    stream.write_all(requests.as_bytes())?;
    // The first byte is there, and then the server has filled both kernels'
    // buffers and sleeps.
    stream.peek(&mut [0])?;
    process::until_asleep(server.pid(), stage.ceiling)?;
    others(&server)?;
    process::until_asleep(server.pid(), stage.ceiling)?;
    let mut count = 0;
    let mut buffer = vec![0; 64 << 10];
    let deadline = Instant::now() + 12 * stage.ceiling;
    loop {
        if Instant::now() > deadline {
            return Err(format!("only {count} bytes came in time").into());
        }
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) => {
                return Err(format!("after {count} bytes: {error}").into());
            }
        }
    }
    let bodies = BIG + (10 << 20);
    let heads = count.saturating_sub(bodies);
    if !(11 * 100..11 * 1000).contains(&heads) {
        return Err(format!(
            "{count} bytes came in all, for eleven heads and {bodies} bytes"
        )
        .into());
    }
    server.check_alive()?;
    Ok(PASSED)
}

/// A server with a short accept queue drops what does not fit, and the client's
/// kernel tries again after a second: so each connection gets the whole time.
fn connect_many(
    server: &Server,
    stage: &Stage,
    count: usize,
) -> Result<Vec<TcpStream>, String> {
    (1..=count)
        .map(|number| {
            TcpStream::connect_timeout(&server.address(), stage.ceiling)
                .map_err(|error| format!("connection {number}: {error}"))
        })
        .collect()
}

/// How long the server is watched while nothing happens, what it may use in
/// that time, and how often its threads may wake up: some runtimes have a timer
/// that ticks, but a loop that spins wakes thousands of times.
const WATCHED: Duration = Duration::from_secs(1);
const TICKS: u64 = 5;
const WAKE_UPS: u64 = 50;

fn no_wake_ups(stage: &Stage) -> Outcome {
    let mut server = stage.start(&["--quiet"])?;
    let pid = server.pid();
    let clients = connect_many(&server, stage, 60)?;
    let quiet = || {
        let (start, _) = process::used_by_tree(pid);
        thread::sleep(WATCHED);
        let (end, _) = process::used_by_tree(pid);
        let ticks = end.ticks - start.ticks;
        let wake_ups = end.voluntary - start.voluntary;
        (ticks, wake_ups)
    };
    // It may still be accepting at the first look.
    let mut last = (0, 0);
    process::until("the server to sleep", stage.ceiling, || {
        last = quiet();
        last.0 <= TICKS && last.1 <= WAKE_UPS
    })
    .map_err(|why| {
        let ((ticks, wake_ups), tens) = (last, WATCHED.as_secs() * 100);
        format!(
            "{why}: while nothing happens it uses {ticks} of {tens} ticks of \
             processor time in a second, and wakes up {wake_ups} times"
        )
    })?;
    drop(clients);
    server.check_alive()?;
    Ok(PASSED)
}

/// How many more threads there may be: a pool for files, say.
const MORE_THREADS: usize = 20;

fn no_thread_each(stage: &Stage) -> Outcome {
    let mut server = stage.start(&["--quiet"])?;
    let pid = server.pid();
    server.check_alive()?;
    let (_, before) = process::used_by_tree(pid);
    let mut clients = connect_many(&server, stage, 200)?;
    for client in &mut clients {
        client.write_all(b"GET /hello.txt HTTP/1.1\r\n")?;
    }
    // Answered after all of these, so they have been seen.
    others(&server)?;
    let (_, after) = process::used_by_tree(pid);
    if after > before + MORE_THREADS {
        return Err(format!(
            "with 200 connections it has {after} threads, without them {before}"
        )
        .into());
    }
    drop(clients);
    server.check_alive()?;
    Ok(PASSED)
}

fn a_thousand_idle(stage: &Stage) -> Outcome {
    process::allow_descriptors(2048)?;
    let mut server = stage.start(&["--quiet"])?;
    let pid = server.pid();
    let before = process::descriptors(pid)?;
    let mut idle = connect_many(&server, stage, THOUSAND)?;
    if stage.is_ours() {
        let accepted = before + THOUSAND;
        process::until("a thousand clients to be in", stage.ceiling, || {
            process::descriptors(pid).is_ok_and(|now| now >= accepted)
        })?;
        process::until_asleep(pid, stage.ceiling)?;
    }
    others(&server)?;
    while let Some(stream) = idle.pop() {
        let who = format!("idle client {}", idle.len());
        let mut client = Client::adopt(stream, stage.ceiling)?;
        check(&who, &mut client, REQUEST)?;
    }
    server.check_alive()?;
    Ok(PASSED)
}
