//! From the command line to listeners to the server; only this part may fail.
//!
//! Exit code 1 means that it could not start, 2 that the command line was
//! wrong. SIGINT and SIGTERM end the process at once and abort responses in
//! flight: a signal handler could do no more than set a flag, and a thread that
//! sleeps in a system call would not look at it.

use std::fmt::{Display, Write as _};
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser;
use env_logger::Target;
use stage::config::Config;
use stage::site::Site;
use stage::stdio::Diagnostics;
use stage::{process_one, server, socket};

fn main() -> ExitCode {
    let default = env_logger::Env::default().default_filter_or("warn");
    env_logger::Builder::from_env(default)
        .target(Target::Pipe(Box::new(Diagnostics)))
        .init();
    match run(&Config::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be closed, and there is nothing else to use.
            let _ =
                writeln!(Diagnostics, "{}: {error}", env!("CARGO_PKG_NAME"));
            ExitCode::FAILURE
        }
    }
}

fn run(config: &Config) -> Result<(), String> {
    process_one::end_on_stop_signals()
        .map_err(|error| format!("cannot handle signals: {error}"))?;
    let cannot_serve =
        |error: io::Error| format!("cannot serve: {}", reason(&error));
    server::check(config).map_err(cannot_serve)?;
    let root = config.root.display();
    let site =
        Site::open(&config.root).map_err(describe("cannot serve", &root))?;
    let mut listeners = Vec::new();
    let mut lines = String::new();
    for address in &config.listen {
        // "[::]" accepts IPv4 clients too, unless the same port also has an
        // IPv4 address of its own.
        let v6_only = config
            .listen
            .iter()
            .filter(|other| other.port() != 0)
            .any(|other| other.is_ipv4() && other.port() == address.port());
        let failed = describe("cannot listen on", address);
        let listener = socket::listen(*address, v6_only, config)
            .map_err(io::Error::from)
            .map_err(&failed)?;
        let bound = socket::local_address(&listener).map_err(&failed)?;
        // Writing into a String cannot fail.
        let _ = writeln!(lines, "listening on http://{bound}");
        listeners.push(listener);
    }
    // stdout may be closed. Keep serving anyway.
    let _ = io::stdout().write_all(lines.as_bytes());
    server::serve(listeners, &site, config).map_err(cannot_serve)
}

/// Turns an error into a line: what failed, on what, and why.
fn describe(what: &str, object: &impl Display) -> impl Fn(io::Error) -> String {
    move |error| format!("{what} {object}: {}", reason(&error))
}

/// The reason, without the "(os error 98)" at its end.
fn reason(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => nix::errno::Errno::from_raw(code).desc().to_owned(),
        None => error.to_string(),
    }
}
