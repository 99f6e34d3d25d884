//! Idle and stalled clients must not delay anyone else.

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

/// Requests that another client makes meanwhile.
const OTHER_REQUESTS: usize = 20;

/// Idle clients at once: far more than a server has threads.
const IDLE_CLIENTS: usize = 1000;

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
            "A client that connects and sends nothing delays nobody, and is \
             served when\nit sends a request.",
            idle_client,
        ),
        case(
            "idle_clients::one_byte",
            Number::stage(1),
            true,
            "A client that sends one byte of a request delays nobody, and is \
             served when\nit sends the rest.",
            one_byte,
        ),
        case(
            "idle_clients::never_reads",
            Number::stage(1),
            false,
            "A client that requests 64 MiB, with ten more requests pipelined, \
             and doesn't\nread delays nobody. The server sleeps meanwhile. \
             When the client finally\nreads, it gets every byte.",
            never_reads,
        ),
        case(
            "idle_clients::no_wake_ups",
            Number::stage(1),
            true,
            "Idle connections cost no processor time: the server sleeps until \
             one of them\nsends something. It does not poll them.",
            no_wake_ups,
        ),
        case(
            "idle_clients::no_thread_each",
            Number::stage(2),
            true,
            "Two hundred connections with unfinished requests take no thread \
             and no\nprocess each: one thread waits for all of them.",
            no_thread_each,
        ),
        case(
            "idle_clients::a_thousand_idle",
            Number::stage(2),
            true,
            "A thousand idle clients delay nobody, and each is served when it \
             sends a\nrequest.",
            a_thousand_idle,
        ),
    ]
}

fn idle_client(stage: &Stage) -> Outcome {
    let mut server = stage.start(&["--quiet"])?;
    let mut silent = server.connect()?;
    serve_others(&server)?;
    check("the idle client, when it sent a request", &mut silent, REQUEST)?;
    server.check_alive()?;
    Ok(PASSED)
}

fn one_byte(stage: &Stage) -> Outcome {
    let mut server = stage.start(&["--quiet"])?;
    let mut slow = server.connect()?;
    let (first, rest) = REQUEST.split_at(1);
    slow.send(first)?;
    slow.settle(stage.ceiling);
    serve_others(&server)?;
    check("the client of one byte, when it sent the rest", &mut slow, rest)?;
    server.check_alive()?;
    Ok(PASSED)
}

/// Another client makes requests, and then a new one connects.
fn serve_others(server: &Server) -> Result<(), String> {
    let mut client = server.connect()?;
    for number in 1..=OTHER_REQUESTS {
        check(
            &format!("request {number} of another client"),
            &mut client,
            REQUEST,
        )?;
    }
    check("a new client", &mut server.connect()?, REQUEST)
}

fn check(who: &str, client: &mut Client, bytes: &[u8]) -> Result<(), String> {
    let response = client.ask(bytes).map_err(|why| format!("{who}: {why}"))?;
    if response.status == 200 && response.body == HELLO {
        return Ok(());
    }
    Err(format!("{who}: status {}", response.status))
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
    // The response has begun. When the server sleeps, it has filled the buffers
    // of both kernels.
    stream.peek(&mut [0])?;
    process::until_asleep(server.pid(), stage.ceiling)?;
    serve_others(&server)?;
    process::until_asleep(server.pid(), stage.ceiling)?;
    let mut count = 0;
    let mut buffer = vec![0; 64 << 10];
    let deadline = Instant::now() + 12 * stage.ceiling;
    loop {
        if Instant::now() > deadline {
            return Err(format!("only {count} bytes arrived in time").into());
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
            "{count} bytes arrived for eleven heads and {bodies} bytes of \
             bodies"
        )
        .into());
    }
    server.check_alive()?;
    Ok(PASSED)
}

/// If the accept queue is short, the kernel drops SYNs and the client's kernel
/// sends them again after a second: so each connection gets the full time.
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

/// How long we watch the idle server, how much processor time it may use
/// meanwhile, and how often its threads may wake up. Some runtimes have a timer
/// that ticks, but a loop that spins wakes thousands of times.
const WATCH_TIME: Duration = Duration::from_secs(1);
const MAX_TICKS: u64 = 5;
const MAX_WAKE_UPS: u64 = 50;

fn no_wake_ups(stage: &Stage) -> Outcome {
    let mut server = stage.start(&["--quiet"])?;
    let pid = server.pid();
    let clients = connect_many(&server, stage, 60)?;
    let quiet = || {
        let (start, _) = process::used_by_tree(pid);
        thread::sleep(WATCH_TIME);
        let (end, _) = process::used_by_tree(pid);
        // Where a thread or a process has ended meanwhile, its part is missing:
        // then look again.
        let added = |end: u64, start| end.checked_sub(start);
        let ticks = added(end.ticks, start.ticks).unwrap_or(u64::MAX);
        let wake_ups = added(end.voluntary, start.voluntary);
        (ticks, wake_ups.unwrap_or(u64::MAX))
    };
    // It may still be accepting at the first check.
    let mut last = (0, 0);
    process::until("the server to sleep", stage.ceiling, || {
        last = quiet();
        last.0 <= MAX_TICKS && last.1 <= MAX_WAKE_UPS
    })
    .map_err(|why| {
        let ((ticks, wake_ups), tens) = (last, WATCH_TIME.as_secs() * 100);
        format!(
            "{why}: with only idle clients it used {ticks} of {tens} ticks of \
             processor time in a second and woke up {wake_ups} times"
        )
    })?;
    drop(clients);
    server.check_alive()?;
    Ok(PASSED)
}

/// Allowance for extra threads: a pool for file I/O, say.
const EXTRA_THREADS: usize = 20;

fn no_thread_each(stage: &Stage) -> Outcome {
    let mut server = stage.start(&["--quiet"])?;
    let pid = server.pid();
    server.check_alive()?;
    let (_, before) = process::used_by_tree(pid);
    let mut clients = connect_many(&server, stage, 200)?;
    for client in &mut clients {
        client.write_all(b"GET /hello.txt HTTP/1.1\r\n")?;
    }
    // These requests come after all the others, so the server has seen those.
    serve_others(&server)?;
    let (_, after) = process::used_by_tree(pid);
    if after > before + EXTRA_THREADS {
        return Err(format!(
            "with 200 connections it has {after} threads, without them it has \
             {before}"
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
    let mut idle = connect_many(&server, stage, IDLE_CLIENTS)?;
    if stage.is_ours() {
        let accepted = before + IDLE_CLIENTS;
        process::until(
            "a thousand clients to be accepted",
            stage.ceiling,
            || process::descriptors(pid).is_ok_and(|now| now >= accepted),
        )?;
        process::until_asleep(pid, stage.ceiling)?;
    }
    serve_others(&server)?;
    while let Some(stream) = idle.pop() {
        let who = format!("idle client {}", idle.len());
        let mut client = Client::adopt(stream, stage.ceiling)?;
        check(&who, &mut client, REQUEST)?;
    }
    server.check_alive()?;
    Ok(PASSED)
}
