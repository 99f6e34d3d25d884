//! How much memory does an idle connection take?

use conversations::process;

use super::{Bench, Figure, Scenario, never_absent, real_servers};
use crate::contender::Contender;
use crate::cpu;
use crate::idle_and_slow::{Idle, gather};
use crate::server::{Needs, Server};

/// The step is the state of the connections.
pub const MEMORY: Scenario = Scenario {
    name: "memory",
    title: "memory of an idle connection, from 1,000 to 5,000 of them",
    unit: "KiB a connection",
    who: real_servers,
    steps: &[0, 1, 2],
    rounds: 3,
    run,
    absent: never_absent,
};

const STATES: [(Idle, &str); 3] = [
    (Idle::Silent, "nothing sent"),
    (Idle::Responded, "after one response"),
    (Idle::HalfHead, "half a head sent"),
];

/// The difference of two numbers of connections, each with a fresh server. So
/// the server's own memory, and a table that has just doubled, cancel out or
/// matter little.
fn run(
    contender: &Contender,
    state: usize,
    bench: &Bench,
) -> Result<Vec<Figure>, String> {
    let (idle, case) = STATES[state];
    let [few, many] = if bench.quick { [100, 500] } else { [1_000, 5_000] };
    process::allow_descriptors(many as u64 + 100)?;
    let needed = |count: usize| {
        let needs = Needs {
            connections: count,
            silent: idle == Idle::Silent,
            ..Needs::default()
        };
        let server = Server::start(contender, &needs, &bench.site)?;
        let idle_and_slow = gather(&server, count, idle)?;
        let memory = cpu::private_memory(server.pid())?;
        drop(idle_and_slow);
        Ok::<_, String>(memory as f64)
    };
    let bytes = (needed(many)? - needed(few)?) / (many - few) as f64;
    let case = case.to_owned();
    Ok(vec![Figure { case, value: bytes / 1024.0, ..Figure::default() }])
}
