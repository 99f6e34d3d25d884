//! Thirty-two slow clients and a fast one: do they delay it?

use std::time::Duration;

use super::{Bench, Figure, Scenario, never_absent, real_servers, requests};
use crate::client::{self, Load};
use crate::contender::Contender;
use crate::idle_and_slow::Slow;
use crate::pin::{self, Side};
use crate::server::{Needs, Server};

/// The step is the number of slow clients.
pub const SLOW: Scenario = Scenario {
    name: "slow",
    title: "a fast client beside 32 slow ones: how long a response takes",
    unit: "µs by the clock",
    who: real_servers,
    steps: &[32],
    rounds: usize::MAX,
    run,
    absent: never_absent,
};

fn run(
    contender: &Contender,
    slow: usize,
    bench: &Bench,
) -> Result<Vec<Figure>, String> {
    let needs = Needs { connections: slow + 1, ..Needs::default() };
    let server = Server::start(contender, &needs, &bench.site)?;
    let load = requests::small(&server, bench.time);
    pin::this_thread(Side::Load, true);
    requests::warm_up(&load)?;
    let mut figures = latencies("alone", &load)?;
    let idle_and_slow = Slow::begin(server.address, slow)?;
    let beside = latencies("beside 32 slow ones", &load);
    // The slow clients' error is more helpful than the fast client's.
    idle_and_slow.dismiss()?;
    figures.extend(beside?);
    Ok(figures)
}

/// The median, and the 99th percentile.
fn latencies(when: &str, load: &Load) -> Result<Vec<Figure>, String> {
    let mut times = client::run(load)?.latencies;
    times.sort_unstable();
    let figure = |name: &str, percent: usize| {
        let at = times.len() * percent / 100;
        let time = times.get(at).copied().unwrap_or(Duration::ZERO);
        Figure {
            case: format!("{when}, {name}"),
            value: time.as_secs_f64() * 1e6,
            ..Figure::default()
        }
    };
    Ok(vec![figure("median", 50), figure("99th percentile", 99)])
}
