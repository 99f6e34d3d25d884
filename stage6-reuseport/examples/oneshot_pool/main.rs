//! One epoll, a pool of workers: the other way to use many cores.
//!
//! All workers sleep in `epoll_wait` on the same epoll, and whoever wakes up
//! serves whatever is ready: a listener, the timer, any connection. A loop a
//! core divides the connections; here they are shared, and the work of each
//! moment is divided.
//!
//! Two workers must not serve one connection at once. With plain epoll that
//! happens soon: one worker has taken the first event and is answering, more
//! bytes come, and the event for them wakes another. `EPOLLONESHOT` makes the
//! kernel speak of a connection once and then be silent about it, until it is
//! registered anew by `EPOLL_CTL_MOD`. That call looks afresh: what has come
//! meanwhile is an event at once, so nothing is lost in between.
//!
//! Predict first: a client sends a hundred requests, each when it has the
//! answer to the one before. How many different threads answer it? And what
//! becomes of a connection whose registration is never renewed?
//!
//! ```sh
//! cargo build -p stage5-timers --example oneshot_pool
//! strace -f -e trace=epoll_wait,epoll_ctl,recvfrom,futex \
//!     target/debug/examples/oneshot_pool tests
//! ```
//!
//! It stands on the library of stage 5. A connection of stage 6 may hold a file
//! of its loop's cache, and so can't go from thread to thread: the compiler
//! knows, and this is where it says so.
//!
//! What it buys: no worker is idle while another has more than it can do, and a
//! worker that waits for a disk stops one connection and none of the others.
//! What it costs: an `epoll_ctl` a turn; locks, and the cache lines that they
//! move from core to core, for the table and the timers; and connections that
//! are served by another core each time.
//!
//! Try: leave `EPOLLONESHOT` out of `shared::interest`, and let a slow file
//! meet a client that goes on talking. Then leave out the lock of the
//! connection as well: the compiler says no. The stage's end in good order is
//! left out: a signal cuts answers off.

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

/// More than there are cores, in most places: one may sleep in a file.
const WORKERS: usize = 4;

fn main() -> ExitCode {
    let default = env_logger::Env::default().default_filter_or("warn");
    env_logger::Builder::from_env(default).init();
    let outcome = serve(&Config::parse());
    if let Err(error) = outcome {
        // Standard error may be closed; there is nowhere else to say it.
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

/// Listens, and says where, as the stage does.
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
        // Nobody may be reading. That is no reason not to serve.
        let _ = writeln!(io::stdout(), "listening on http://{bound}");
        listeners.push(listener);
    }
    Ok(listeners)
}

/// Turns an error into a line that says what could not be done.
fn because(what: String) -> impl Fn(io::Error) -> String {
    move |error| match error.raw_os_error() {
        Some(code) => format!("{what}: {}", Errno::from_raw(code).desc()),
        None => format!("{what}: {error}"),
    }
}
