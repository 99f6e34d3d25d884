//! One thread against one per processor.

use super::{Bench, Figure, Scenario, requests};
use crate::client::Load;
use crate::contender::{Contender, Kind};
use crate::pin::processors;
use crate::server::{Needs, Server};

/// The step 0 means one thread per processor.
pub const THREADS: Scenario = Scenario {
    name: "threads",
    title: "64 connections, one thread against one a processor, 1 KiB",
    unit: "µs CPU a request",
    who: has_loops,
    steps: &[1, 0],
    rounds: usize::MAX,
    run,
    absent,
};

fn has_loops(contender: &Contender) -> bool {
    match &contender.kind {
        Kind::Stage(number, ..) => *number >= 6,
        Kind::Peer(_, template) => template.contains("{workers}"),
        Kind::Floor | Kind::Other(_) => false,
    }
}

fn absent() -> Option<String> {
    let one = processors().len() < 2;
    one.then(|| "there is one processor".to_owned())
}

/// Nothing is pinned here, not even with one thread: the two cases differ only
/// in the number of threads.
fn run(
    contender: &Contender,
    threads: usize,
    bench: &Bench,
) -> Result<Vec<Figure>, String> {
    let threads = if threads == 0 { processors().len() } else { threads };
    let needs =
        Needs { connections: 64, threads, pinned: false, ..Needs::default() };
    let server = Server::start(contender, &needs, &bench.site)?;
    let load = Load { connections: 64, ..requests::small(&server, bench.time) };
    requests::warm_up(&load)?;
    let mut figure = requests::cost(&server, &bench.tool, &load, false)?;
    figure.case = match threads {
        1 => "1 thread".to_owned(),
        n => format!("{n} threads"),
    };
    Ok(vec![figure])
}
