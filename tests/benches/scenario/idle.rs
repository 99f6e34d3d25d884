//! Many connections are open and one is busy: what do the idle ones cost?

use conversations::process;
use nix::sys::resource::{Resource, getrlimit};

use super::{Bench, Figure, Scenario, everyone, never_absent, requests};
use crate::contender::Contender;
use crate::idle_and_slow::{Idle, gather};
use crate::load::Tool;
use crate::server::{Needs, Server};

/// The step is the number of idle connections.
pub const IDLE: Scenario = Scenario {
    name: "idle",
    title: "one busy connection beside idle ones, 1 KiB",
    unit: "µs CPU a request",
    who: everyone,
    steps: &[0, 100, 1_000, 10_000],
    rounds: usize::MAX,
    run,
    absent: never_absent,
};

/// Descriptors of the server and the bench besides connections.
const BESIDES: u64 = 100;

fn run(
    contender: &Contender,
    idle: usize,
    bench: &Bench,
) -> Result<Vec<Figure>, String> {
    if bench.quick && ![0, 1_000].contains(&idle) {
        return Ok(Vec::new());
    }
    // lighttpd accepts half as many connections as it may have descriptors.
    let (allowed, _) = getrlimit(Resource::RLIMIT_NOFILE)
        .map_err(|error| error.to_string())?;
    if contender.name == "lighttpd" && allowed / 2 <= idle as u64 {
        return Ok(Vec::new());
    }
    process::allow_descriptors(idle as u64 + BESIDES)?;
    let needs = Needs { connections: idle + 1, ..Needs::default() };
    let server = Server::start(contender, &needs, &bench.site)?;
    let idle_and_slow = gather(&server, idle, Idle::Responded)?;
    let load = requests::small(&server, bench.time);
    requests::warm_up(&load)?;
    let mut figure = requests::cost(&server, &Tool::Own, &load, true)?;
    figure.case = format!("{idle} idle");
    drop(idle_and_slow);
    Ok(vec![figure])
}
