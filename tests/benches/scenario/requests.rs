//! Many clients request a small file: what does one request cost?

use std::time::Duration;

use super::{Bench, Figure, Scenario, everyone, never_absent};
use crate::client::{self, Load};
use crate::contender::Contender;
use crate::load::{self, Tool};
use crate::server::{Needs, Server};
use crate::site::SMALL;
use crate::{cpu, pin};

/// Number of concurrent clients.
const CLIENTS: usize = 64;

/// One request after another on each connection.
pub const KEEPALIVE: Scenario = Scenario {
    name: "keepalive",
    title: "64 connections, one request after the other, 1 KiB",
    unit: "µs CPU a request",
    who: everyone,
    steps: &[1],
    rounds: usize::MAX,
    run,
    absent: never_absent,
};

/// Sixteen pipelined requests, and all their responses before the next sixteen.
pub const PIPELINED: Scenario = Scenario {
    name: "pipelined",
    title: "64 connections, 16 requests at once, 1 KiB",
    unit: "µs CPU a request",
    who: everyone,
    steps: &[16],
    rounds: usize::MAX,
    run,
    absent: never_absent,
};

/// A new connection per request. The step 0 is not a depth.
pub const CONNECT: Scenario = Scenario {
    name: "connect",
    title: "a new connection for each request, 64 at a time, 1 KiB",
    unit: "µs CPU a request",
    who: everyone,
    steps: &[0],
    rounds: usize::MAX,
    run,
    absent: never_absent,
};

/// `depth` is the number of requests per write; 0 means one connection per
/// request.
fn run(
    contender: &Contender,
    depth: usize,
    bench: &Bench,
) -> Result<Vec<Figure>, String> {
    let needs = Needs {
        connections: CLIENTS,
        floor: if depth == 0 { "close" } else { "" },
        ..Needs::default()
    };
    let server = Server::start(contender, &needs, &bench.site)?;
    let load = Load {
        connections: CLIENTS,
        depth: depth.max(1),
        each_new: depth == 0,
        ..small(&server, bench.time)
    };
    warm_up(&load)?;
    cost(&server, &bench.tool, &load, true).map(|figure| vec![figure])
}

/// One client that requests the small file.
#[must_use]
pub fn small(server: &Server, time: Duration) -> Load {
    Load {
        address: server.address,
        path: "/small.bin",
        length: SMALL,
        connections: 1,
        depth: 1,
        each_new: false,
        time,
        most: u64::MAX,
    }
}

/// Warm-up: a few correct responses on every connection. The bench's own client
/// makes these requests, since wrk doesn't check the length.
///
/// # Errors
/// If one is wrong.
pub fn warm_up(load: &Load) -> Result<(), String> {
    let most = (load.connections * load.depth * 4) as u64;
    let time = Duration::from_secs(10);
    client::run(&Load { time, most, ..load.clone() }).map(|_| ())
}

/// The server's cost of the load, in microseconds of CPU time per request.
///
/// # Errors
/// If a response is wrong.
pub fn cost(
    server: &Server,
    tool: &Tool,
    load: &Load,
    pinned: bool,
) -> Result<Figure, String> {
    pin::this_thread(pin::Side::Load, pinned);
    let before = cpu::time_at_rest(server.pid())?;
    let done = load::run(tool, load, pinned)?;
    let used = cpu::time_at_rest(server.pid())?.saturating_sub(before);
    Ok(Figure {
        value: used.as_secs_f64() * 1e6 / done.responses as f64,
        rate: Some(done.responses as f64 / done.elapsed.as_secs_f64()),
        ..Figure::default()
    })
}
