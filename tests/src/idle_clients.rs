//! Clients that keep silent: whatever they leave undone, nobody else waits.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::fixtures::{self, BIG, HELLO};
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
        until: u32::MAX,
        any_server,
        run,
    };
    vec![
        case(
            "idle_clients::idle_client",
            1,
            true,
            "A client that connects and says nothing keeps nobody waiting, \
             and is\nserved when it speaks.",
            idle_client,
        ),
        case(
            "idle_clients::one_byte",
            1,
            true,
            "A client that sends one byte of a request keeps nobody waiting, \
             and is\nserved when it goes on.",
            one_byte,
        ),
        case(
            "idle_clients::never_reads",
            1,
            false,
            "A client that asks for 64 MiB, and for ten files behind it, and \
             does not\nread, keeps nobody waiting. The server sleeps \
             meanwhile. When the client\nreads at last, it has every byte.",
            never_reads,
        ),
        case(
            "idle_clients::a_thousand_idle",
            2,
            false,
            "A thousand idle clients keep nobody waiting, and each is served \
             when it\nspeaks.",
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
    loop {
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

fn a_thousand_idle(stage: &Stage) -> Outcome {
    process::allow_descriptors(2048)?;
    let mut server = stage.start(&["--quiet"])?;
    let pid = server.pid();
    let before = process::descriptors(pid)?;
    let connect = |_| TcpStream::connect(server.address());
    let mut idle = (0..THOUSAND).map(connect).collect::<Result<Vec<_>, _>>()?;
    process::until("a thousand clients to be in", stage.ceiling, || {
        process::descriptors(pid).is_ok_and(|now| now >= before + THOUSAND)
    })?;
    process::until_asleep(pid, stage.ceiling)?;
    others(&server)?;
    while let Some(stream) = idle.pop() {
        let who = format!("idle client {}", idle.len());
        let mut client = Client::adopt(stream, stage.ceiling)?;
        check(&who, &mut client, REQUEST)?;
    }
    server.check_alive()?;
    Ok(PASSED)
}
