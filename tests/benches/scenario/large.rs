//! One client fetches a large file: what does it cost to move bytes?

use super::{Bench, Figure, Scenario, everyone, never_absent, requests};
use crate::client::Load;
use crate::contender::Contender;
use crate::load::Tool;
use crate::server::{Needs, Server};
use crate::site;

/// 64 MiB, repeatedly on one connection.
pub const LARGE: Scenario = Scenario {
    name: "large",
    title: "one connection, a file of 64 MiB",
    unit: "ms CPU a GiB",
    who: everyone,
    steps: &[64],
    rounds: usize::MAX,
    run,
    absent: never_absent,
};

fn run(
    contender: &Contender,
    _mebibytes: usize,
    bench: &Bench,
) -> Result<Vec<Figure>, String> {
    let needs = Needs { connections: 1, floor: "large", ..Needs::default() };
    let server = Server::start(contender, &needs, &bench.site)?;
    let load = Load {
        path: "/large.bin",
        length: site::LARGE,
        ..requests::small(&server, bench.time)
    };
    requests::warm_up(&load)?;
    let mut figure = requests::cost(&server, &Tool::Own, &load, true)?;
    // From microseconds per file to milliseconds per GiB: 16 files are one GiB.
    figure.value *= 16.0 / 1000.0;
    Ok(vec![figure])
}
