//! One epoll, a pool of workers: the other way to use many cores.
//!
//! All workers sleep in `epoll_wait` on the same epoll instance, and each
//! serves whatever is ready: a listener, the timer, any connection. One loop
//! per core divides the connections. Here the workers share them, and divide
//! the work of each moment.
//!
//! Two workers must not serve one connection at once. With plain epoll that
//! happens soon: one worker has taken the first event and is responding, more
//! bytes arrive, and their event wakes another worker. `EPOLLONESHOT` makes the
//! kernel report a connection once, and then no more until `EPOLL_CTL_MOD`
//! enables it again. That call checks the socket again: what has arrived in the
//! meantime is an event at once, so nothing is lost.
//!
//! Predict first: a client sends a hundred requests, each after the response to
//! the one before. How many different threads serve it? And what happens to a
//! connection that is never enabled again?
//!
//! ```sh
//! cargo build -p stage5-timers --example oneshot_pool
//! strace -f -e trace=epoll_wait,epoll_ctl,recvfrom,futex \
//!     target/debug/examples/oneshot_pool tests
//! ```
//!
//! It uses the library of stage 5. A connection of stage 6 may hold a file of
//! its loop's cache, so it cannot move from thread to thread, and the compiler
//! rejects it.
//!
//! What it gains: no worker is idle while another has too much to do, and a
//! worker that waits for a disk stops one connection and none of the others.
//! What it costs: one `epoll_ctl` per event; locks for the table and the
//! timers, and the cache lines that they move from core to core; and
//! connections that move between cores.
//!
//! Try: leave `EPOLLONESHOT` out of `shared::interest`, and combine a slow file
//! with a client that keeps sending. Then remove the lock of the connection as
//! well: the compiler objects. There is no graceful shutdown: a signal aborts
//! responses.

mod serving;
mod shared;

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::sync::{Arc, mpsc};
use std::thread;

use clap::Parser as _;
use nix::errno::Errno;
use stage5::config::Config;
use stage5::context::Context;
use stage5::site::Site;
use stage5::{limits, socket};

use shared::Shared;

/// More than there are cores on most machines: one may sleep in a file.
const WORKERS: usize = 4;

fn main() -> ExitCode {
    let default = env_logger::Env::default().default_filter_or("warn");
    env_logger::Builder::from_env(default).init();
    let outcome = serve(&Config::parse());
    if let Err(error) = outcome {
        // Standard error may be closed, and there is nothing else to use.
        let _ = writeln!(io::stderr(), "oneshot_pool: {error}");
    }
    ExitCode::FAILURE
}

/// Serves until a signal ends the process, or a worker fails.
fn serve(config: &Config) -> Result<(), String> {
    let root = config.root.display();
    let site = Site::open(&config.root)
        .map_err(because(format!("cannot serve {root}")))?;
    let listeners = listen(config)?;
    limits::check(config).map_err(because("cannot serve".to_owned()))?;
    work(listeners, &site, config).map_err(because("cannot serve".to_owned()))
}

/// Starts the workers, and waits for the first of them to end.
fn work(
    listeners: Vec<OwnedFd>,
    site: &Site,
    config: &Config,
) -> io::Result<()> {
    let shared = Arc::new(Shared::new(listeners)?);
    let (failed, fate) = mpsc::channel();
    for number in 0..WORKERS {
        let (site, config) = (site.clone(), config.clone());
        let (shared, failed) = (Arc::clone(&shared), failed.clone());
        let thread = thread::Builder::new().name(format!("worker {number}"));
        thread.spawn(move || {
            let _ = failed.send(shared.work(Context::new(site, &config)));
        })?;
    }
    fate.recv().map_err(io::Error::other)?
}

/// Listens, and prints the addresses, as the stage does.
fn listen(config: &Config) -> Result<Vec<OwnedFd>, String> {
    let mut listeners = Vec::new();
    for &address in &config.listen {
        let taken = |other: &SocketAddr| {
            other.is_ipv4() && other.port() == address.port()
        };
        let v6_only = address.port() != 0 && config.listen.iter().any(taken);
        let failed = because(format!("cannot listen on {address}"));
        let listener = socket::listen(address, v6_only, config)
            .map_err(io::Error::from)
            .map_err(&failed)?;
        let bound = socket::local_address(&listener).map_err(&failed)?;
        // stdout may be closed. Keep serving anyway.
        let _ = writeln!(io::stdout(), "listening on http://{bound}");
        listeners.push(listener);
    }
    Ok(listeners)
}

/// Turns an error into a line that says what failed.
fn because(what: String) -> impl Fn(io::Error) -> String {
    move |error| match error.raw_os_error() {
        Some(code) => format!("{what}: {}", Errno::from_raw(code).desc()),
        None => format!("{what}: {error}"),
    }
}
