//! A loop a core: threads that have nothing to say to each other.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::unistd::Pid;

use crate::config::Config;
use crate::server::{Server, Tally};
use crate::signals::Signals;
use crate::site::Site;
use crate::socket::{self, steering};
use crate::worker::Worker;

/// Runs a loop in each of `--threads` threads, each on listeners of its own,
/// until all of them have ended. Nothing is shared but the descriptor that says
/// when to stop: no lock, and no memory that two of them write.
///
/// # Errors
/// If a listener or a thread can't be had, or a loop fails; then the others
/// are stopped.
pub fn run(
    listeners: Vec<OwnedFd>,
    site: &Site,
    config: &Config,
) -> io::Result<()> {
    // Before there are threads, which inherit what is blocked.
    let signals = Signals::new()?;
    let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
    let stop = Arc::new(EventFd::from_flags(flags)?);
    let cpus = cpus()?;
    let count = config.loops();
    let mut loops = Vec::new();
    for (number, listeners) in shares(listeners, count, config)?.enumerate() {
        let cpu = cpus.get(number % cpus.len().max(1)).copied();
        let cpu = cpu.filter(|_| config.pin_cpus);
        let (site, config) = (site.clone(), config.clone());
        let stop = Arc::clone(&stop);
        let thread = thread::Builder::new().name(format!("loop {number}"));
        loops.push(thread.spawn(move || {
            let worker = Worker::new(site, &config);
            let tally = pin(cpu).and_then(|()| serve(listeners, worker, &stop));
            // One that fails takes the others with it.
            stop.write(1).map_err(io::Error::from).and(tally)
        })?);
    }
    wait(&signals, &stop)?;
    report(loops)
}

/// Listeners for each loop, all on the same addresses: `SO_REUSEPORT`.
fn shares(
    listeners: Vec<OwnedFd>,
    count: usize,
    config: &Config,
) -> io::Result<impl Iterator<Item = Vec<OwnedFd>>> {
    let mut shares = Vec::new();
    for _ in 1..count {
        let others = listeners.iter();
        let others = others.map(|one| socket::listen_again(one, config));
        shares.push(others.collect::<io::Result<Vec<_>>>()?);
    }
    for listener in &listeners {
        if config.steer_cpus {
            steering::by_cpu(listener, count)?;
        } else {
            steering::by_hash(listener)?;
        }
    }
    shares.insert(0, listeners);
    Ok(shares.into_iter())
}

/// One loop, from its beginning to its end.
fn serve(
    listeners: Vec<OwnedFd>,
    worker: Worker,
    stop: &EventFd,
) -> io::Result<Tally> {
    let mut server = Server::new(listeners, worker)?;
    server.stop_on(stop.as_fd())?;
    while !server.has_stopped() {
        server.turn()?;
    }
    Ok(server.end())
}

/// The processors that this process may run on. Not all that the machine has:
/// taskset(1), a cpuset or a container may have chosen.
fn cpus() -> nix::Result<Vec<usize>> {
    let allowed = sched_getaffinity(Pid::from_raw(0))?;
    let all = 0..CpuSet::count();
    Ok(all.filter(|&cpu| allowed.is_set(cpu) == Ok(true)).collect())
}

/// Keeps this thread on one processor. Its caches stay warm there; but it can't
/// go elsewhere when another program wants that processor.
fn pin(cpu: Option<usize>) -> io::Result<()> {
    let Some(cpu) = cpu else { return Ok(()) };
    let mut only = CpuSet::new();
    only.set(cpu)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &only)?)
}

/// Sleeps until a signal or a loop that has failed says that it is over, and
/// passes that on. An eventfd that is not read stays readable, for everybody.
fn wait(signals: &Signals, stop: &EventFd) -> io::Result<()> {
    loop {
        let mut list = [
            PollFd::new(stop.as_fd(), PollFlags::POLLIN),
            PollFd::new(signals.fd(), PollFlags::POLLIN),
        ];
        match poll(&mut list, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let failed = list.first().and_then(PollFd::any) == Some(true);
        if failed || signals.read()? {
            stop.write(1)?;
            return Ok(());
        }
    }
}

/// Waits for all loops and tells how each did.
fn report(loops: Vec<JoinHandle<io::Result<Tally>>>) -> io::Result<()> {
    let name = env!("CARGO_PKG_NAME");
    let (mut finished, mut cut, mut outcome) = (0, 0, Ok(()));
    let mut lines = String::new();
    for (number, one) in loops.into_iter().enumerate() {
        let tally = match one.join() {
            Ok(Ok(tally)) => tally,
            Ok(Err(error)) => {
                outcome = Err(error);
                continue;
            }
            Err(_) => {
                outcome = Err(io::Error::other("a loop has panicked"));
                continue;
            }
        };
        finished += tally.finished;
        cut += tally.cut;
        // Writing into a String cannot fail.
        let _ = writeln!(
            lines,
            "{name}: loop {number}: {} connections, {} requests",
            tally.connections, tally.requests
        );
    }
    outcome?;
    let _ = writeln!(
        lines,
        "{name}: stopped: {finished} answers finished, {cut} cut off"
    );
    // Standard error may be closed; there is nowhere else to say it.
    let _ = io::stderr().write_all(lines.as_bytes());
    Ok(())
}
