//! One event loop per core. The threads share nothing but the descriptors that
//! give them orders.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use crate::config::Config;
use crate::context::Context;
use crate::server::{Counters, Server};
use crate::signals::{Orders, Signals};
use crate::site::Site;
use crate::socket::{self, steering};
use crate::stdio::Diagnostics;

/// Runs an event loop in each of `--threads` threads, each on its own
/// listeners, until all have ended. There is no lock, and no memory that two of
/// them write.
///
/// # Errors
/// If a listener or a thread cannot be created, or a loop fails; then the
/// others are stopped.
pub fn run(
    listeners: Vec<OwnedFd>,
    site: Site,
    signals: Signals,
    config: &Config,
) -> io::Result<()> {
    let orders = Arc::new(Orders::new()?);
    let cpus = if config.pin_cpus { cpus()? } else { Vec::new() };
    let count = config.loops();
    let mut loops = Vec::new();
    for (number, listeners) in
        listener_sets(listeners, count, config)?.enumerate()
    {
        let cpu = cpus.get(number % cpus.len().max(1)).copied();
        let (site, config) = (site.clone(), config.clone());
        let orders = Arc::clone(&orders);
        let thread = thread::Builder::new().name(format!("loop {number}"));
        loops.push(thread.spawn(move || {
            let context = Context::new(site, &config);
            let counters =
                pin(cpu).and_then(|()| serve(listeners, context, &orders));
            // A loop that fails stops the others.
            orders.stop.write(1).map_err(io::Error::from).and(counters)
        })?);
    }
    // Each loop has its own, and reopens it when ordered.
    drop(site);
    signals.pass_on(&orders)?;
    report(loops)
}

/// A set of listeners for each loop, all on the same addresses
/// (`SO_REUSEPORT`).
fn listener_sets(
    listeners: Vec<OwnedFd>,
    count: usize,
    config: &Config,
) -> io::Result<impl Iterator<Item = Vec<OwnedFd>>> {
    let mut sets = Vec::new();
    for _ in 1..count {
        let others = listeners.iter();
        let others = others.map(|one| socket::listen_again(one, config));
        sets.push(others.collect::<io::Result<Vec<_>>>()?);
    }
    for listener in &listeners {
        if config.steer_by_cpu {
            steering::by_cpu(listener, count)?;
        } else {
            steering::by_hash(listener);
        }
    }
    sets.insert(0, listeners);
    Ok(sets.into_iter())
}

/// Runs one loop to its end.
fn serve(
    listeners: Vec<OwnedFd>,
    context: Context,
    orders: &Orders,
) -> io::Result<Counters> {
    let mut server = Server::new(listeners, context)?;
    server.watch_orders(orders)?;
    while !server.has_stopped() {
        server.iterate()?;
    }
    Ok(server.finish())
}

/// The CPUs that this process may run on: taskset(1), a cpuset or a container
/// may allow fewer than the machine has.
fn cpus() -> nix::Result<Vec<usize>> {
    let allowed = sched_getaffinity(Pid::from_raw(0))?;
    let all = 0..CpuSet::count();
    Ok(all.filter(|&cpu| allowed.is_set(cpu) == Ok(true)).collect())
}

/// Pins this thread to a CPU. Its caches stay warm, but it cannot move away
/// when another program wants that CPU.
fn pin(cpu: Option<usize>) -> io::Result<()> {
    let Some(cpu) = cpu else { return Ok(()) };
    let mut only = CpuSet::new();
    only.set(cpu)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &only)?)
}

/// Waits for all loops and reports what each has done.
fn report(loops: Vec<JoinHandle<io::Result<Counters>>>) -> io::Result<()> {
    let name = env!("CARGO_PKG_NAME");
    let (mut finished, mut aborted, mut outcome) = (0, 0, Ok(()));
    let mut lines = String::new();
    for (number, one) in loops.into_iter().enumerate() {
        let counters = match one.join() {
            Ok(Ok(counters)) => counters,
            Ok(Err(error)) => {
                outcome = Err(error);
                continue;
            }
            Err(_) => {
                outcome = Err(io::Error::other("a loop has panicked"));
                continue;
            }
        };
        finished += counters.finished;
        aborted += counters.aborted;
        // Writing into a String cannot fail.
        let _ = writeln!(
            lines,
            "{name}: loop {number}: {} connections, {} requests",
            counters.connections, counters.requests
        );
    }
    outcome?;
    let _ = writeln!(
        lines,
        "{name}: stopped: {finished} responses finished, {aborted} aborted"
    );
    // Standard error may be closed, and there is nothing else to use.
    let _ = Diagnostics.write_all(lines.as_bytes());
    Ok(())
}
