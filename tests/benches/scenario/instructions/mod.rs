//! How many user-mode instructions does a server execute per request? Unlike
//! time, the count does not depend on other activity of the machine.

mod counter;
pub mod steps;

use std::time::Duration;

use conversations::process;

use self::counter::Counter;
use super::{Bench, Figure, Scenario, everyone, requests};
use crate::client::{self, Load};
use crate::contender::Contender;
use crate::cpu;
use crate::pin::{self, Side};
use crate::server::{Needs, Server};

/// The kernel's instructions are not counted.
///
/// One client, and so one thread at a time. A program reads the clock from
/// memory shared with the kernel, and starts over if the kernel has updated it
/// meanwhile, which happens every few milliseconds. Sixteen threads that take
/// turns step by step would never finish that.
pub const INSTRUCTIONS: Scenario = Scenario {
    name: "instructions",
    title: "user-mode instructions of a request, one connection, 1 KiB",
    unit: "instructions",
    who: everyone,
    steps: &[1],
    rounds: 1,
    run,
    absent,
};

/// The hardware counts at full speed, so many requests are possible.
const MANY: u64 = 20_000;

/// A step takes microseconds, so few requests must do.
pub const FEW: [u64; 2] = [5, 25];
const FEWEST: [u64; 2] = [1, 3];

fn absent() -> Option<String> {
    if has_counter() {
        return None;
    }
    let why = steps::possible().err()?;
    Some(format!("no counter, and no single steps either: {why}"))
}

fn has_counter() -> bool {
    Counter::open(std::process::id().cast_signed()).is_ok()
}

fn run(
    contender: &Contender,
    connections: usize,
    bench: &Bench,
) -> Result<Vec<Figure>, String> {
    let slowed = !has_counter();
    let needs = Needs { connections, slowed, ..Needs::default() };
    let server = Server::start(contender, &needs, &bench.site)?;
    let load = requests::small(&server, Duration::from_secs(120));
    requests::warm_up(&load)?;
    cpu::time_at_rest(server.pid())?;
    pin::this_thread(Side::Load, true);
    let (value, note) = if slowed {
        let few = if bench.quick { FEWEST } else { FEW };
        (stepped(&server, &load, few)?, "counted by single steps")
    } else {
        (counted(&server, &load)?, "counted by the processor")
    };
    let note = note.to_owned();
    Ok(vec![Figure { value, note, ..Figure::default() }])
}

fn counted(server: &Server, load: &Load) -> Result<f64, String> {
    let mut counters = Vec::new();
    for pid in cpu::family(server.pid()) {
        for task in process::tasks(pid)? {
            counters.push(Counter::open(task).map_err(|e| e.to_string())?);
        }
    }
    let responses =
        client::run(&Load { most: MANY, ..load.clone() })?.responses;
    let mut sum = 0;
    for counter in counters {
        sum += counter.read().map_err(|e| e.to_string())?;
    }
    Ok(sum as f64 / responses as f64)
}

/// The difference of two loads with different numbers of requests and the same
/// number of connections: what remains is the cost of requests. The server is
/// killed.
///
/// # Errors
/// If a response is wrong, or ptrace(2) fails.
pub fn stepped(
    server: &Server,
    load: &Load,
    few: [u64; 2],
) -> Result<f64, String> {
    let mut responses = few;
    let counts: [u64; 2] = steps::count(server.pid(), |at| {
        let load = Load { most: few[at], ..load.clone() };
        responses[at] = client::run(&load)?.responses;
        // Both loads include the close of each connection.
        cpu::time_at_rest(server.pid()).map(drop)
    })?;
    let more = counts[1].saturating_sub(counts[0]) as f64;
    Ok(more / responses[1].saturating_sub(responses[0]) as f64)
}
