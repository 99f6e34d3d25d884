//! Stage 5 with a pool: the loop never waits for a disk.
//!
//! To epoll a regular file is always ready, but `openat2`, `pread64` and
//! `sendfile` sleep when what they need is not in memory. In stage 5 they put
//! the loop to sleep, and every client waits. Here the loop gives each
//! `advance` of a connection, from `recv` to `send`, to a thread of a pool, and
//! gets the connection back through a list and an eventfd.
//!
//! Predict first: every `pread64` takes three seconds. A client requests
//! `/hello.txt`, and then another one sends `OPTIONS *`, which needs no file.
//! Which client waits for which in stage 5, and here? And how many clients does
//! it take to make the second one wait here as well?
//!
//! ```sh
//! cargo build -p stage5-timers --example file_pool
//! strace -f -e inject=pread64:delay_enter=3000000 \
//!     target/debug/examples/file_pool tests
//! ```
//!
//! What it gains: the loop accepts, rejects and keeps the deadlines, whatever
//! the disk does. What it costs: each `advance` passes between threads twice
//! and takes two locks, even if the file is in memory, which is nearly always
//! the case.
//!
//! We cannot know whether a request needs a file before we have read it, so
//! everything goes to the pool. When all of its threads sleep, no client gets a
//! response: the pool moves the limit from one slow file to as many as it has
//! threads.
//!
//! Try: one thread. Then a queue without a limit, and count what waits in it
//! while the disk hangs. Then let the loop itself advance a connection whose
//! state is Lingering, which never needs a file. There is no graceful shutdown:
//! a signal aborts responses.

mod pool;
mod room;
mod server;

use std::convert::Infallible;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::process::ExitCode;

use clap::Parser as _;
use nix::errno::Errno;
use stage::config::Config;
use stage::context::Context;
use stage::site::Site;
use stage::{limits, socket};

use pool::Pool;
use server::Server;

fn main() -> ExitCode {
    let default = env_logger::Env::default().default_filter_or("warn");
    env_logger::Builder::from_env(default).init();
    let Err(error) = serve(&Config::parse());
    // Standard error may be closed, and there is nothing else to use.
    let _ = writeln!(io::stderr(), "file_pool: {error}");
    ExitCode::FAILURE
}

/// Serves until a signal ends the process.
fn serve(config: &Config) -> Result<Infallible, String> {
    let root = config.root.display();
    let site = Site::open(&config.root)
        .map_err(because(format!("cannot serve {root}")))?;
    let listeners = listen(config)?;
    let failed = because("cannot serve".to_owned());
    limits::check(config).map_err(&failed)?;
    let pool = Pool::start(&site, config).map_err(&failed)?;
    let context = Context::new(site, config);
    let mut server = Server::new(listeners, pool, context).map_err(&failed)?;
    loop {
        server.iterate().map_err(&failed)?;
    }
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
