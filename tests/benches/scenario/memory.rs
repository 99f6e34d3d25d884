//! What does a connection that does nothing keep in memory?

use conversations::process;

use super::{Bench, Figure, Scenario, never_absent, real_servers};
use crate::contender::Contender;
use crate::cpu;
use crate::crowd::{Idle, gather};
use crate::server::{Needs, Server};

/// The step is how far the connections have gone.
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
    (Idle::Answered, "after one answer"),
    (Idle::HalfHead, "half a head sent"),
];

/// The difference of two crowds, each with a server of its own. What a server
/// needs for itself, and a table that has just been doubled, fall out of it
/// or weigh little.
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
        let crowd = gather(&server, count, idle)?;
        let memory = cpu::private_memory(server.pid())?;
        drop(crowd);
        Ok::<_, String>(memory as f64)
    };
    let bytes = (needed(many)? - needed(few)?) / (many - few) as f64;
    let case = case.to_owned();
    Ok(vec![Figure { case, value: bytes / 1024.0, ..Figure::default() }])
}
