//! The command line: starting, failing to start, and stopping.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::fixtures;
use crate::number::Number;
use crate::process;
use crate::server::Server;
use crate::stage::{Case, Launch, Outcome, PASSED, Stage};

/// With `Connection: close` the server closes first, so it is the server's port
/// that stays in `TIME_WAIT`.
const LAST: &[u8] = b"GET /hello.txt HTTP/1.1\r\nHost: cli\r\n\
                      Connection: close\r\n\r\n";

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    let of_ours = |name, promise, until, run| Case {
        name,
        promise,
        from: Number::stage(1),
        until,
        any_server: false,
        run,
    };
    let fails = "If the server can't start, it prints one line on stderr that \
                 names the\nprogram and the cause, and exits with code 1.";
    let usage = "For an invalid command line the server prints the offending \
                 argument and\nexits with code 2.";
    vec![
        of_ours("cli::busy_port", fails, Number::EVER, busy_port),
        of_ours("cli::root_is_missing", fails, Number::EVER, root_is_missing),
        of_ours("cli::root_is_a_file", fails, Number::EVER, root_is_a_file),
        of_ours("cli::unknown_flag", usage, Number::EVER, unknown_flag),
        of_ours("cli::bad_address", usage, Number::EVER, bad_address),
        of_ours(
            "cli::ends_by_signal",
            "SIGTERM and SIGINT kill the process at once, although connections \
             are open.",
            Number::step(5, 5),
            ends_by_signal,
        ),
        of_ours(
            "cli::restarts_on_the_same_port",
            "After a server that closed connections has exited, a new one can \
             listen on\nits port at once: SO_REUSEADDR.",
            Number::EVER,
            restarts_on_the_same_port,
        ),
        of_ours(
            "cli::survives_closed_output",
            "The server keeps serving after its stdout and stderr have been \
             closed by\ntheir readers.",
            Number::EVER,
            survives_closed_output,
        ),
    ]
}

/// Runs the binary with these arguments until it exits: status and stderr.
fn run_to_end(
    stage: &Stage,
    arguments: &[&str],
) -> Result<(ExitStatus, Vec<String>), String> {
    let mut command = Command::new(stage.binary()?);
    let mut server = Server::spawn(command.args(arguments), stage)?;
    let status = server
        .wait_for_exit(stage.ceiling)
        .map_err(|why| format!("{arguments:?}: {why}"))?;
    Ok((status, server.stderr.wait_for_end(stage.ceiling)))
}

/// Expects exit code 1 and one line that begins with the program's name and
/// contains each of `parts`.
fn must_fail(stage: &Stage, arguments: &[&str], parts: &[&str]) -> Outcome {
    let (status, stderr) = run_to_end(stage, arguments)?;
    let start = format!("{}: ", stage.name);
    let clear = match &stderr[..] {
        [line] => {
            line.starts_with(&start) && parts.iter().all(|p| line.contains(p))
        }
        _ => false,
    };
    if status.code() == Some(1) && clear {
        return Ok(PASSED);
    }
    Err(format!(
        "expected  exit code 1 and one line `{start}…` with {parts:?}\n\
         got       {status} and {stderr:#?}"
    )
    .into())
}

/// Expects exit code 2, and on stderr `part` and a pointer to `--help`.
fn must_explain(stage: &Stage, arguments: &[&str], part: &str) -> Outcome {
    let (status, stderr) = run_to_end(stage, arguments)?;
    let text = stderr.join("\n");
    let clear = text.contains(part) && text.contains("--help");
    if status.code() == Some(2) && clear {
        return Ok(PASSED);
    }
    Err(format!(
        "expected  exit code 2, `{part}`, and a pointer to --help\ngot       \
         {status} and:\n{text}"
    )
    .into())
}

fn busy_port(stage: &Stage) -> Outcome {
    let other = TcpListener::bind("127.0.0.1:0")?;
    let address = other.local_addr()?.to_string();
    let root = fixtures::site().root().to_string_lossy().into_owned();
    let parts = ["cannot listen on", &address, "in use"];
    must_fail(stage, &[&root, "--listen", &address], &parts)
}

fn root_is_missing(stage: &Stage) -> Outcome {
    let root = "/no/such/folder";
    must_fail(stage, &[root, "--listen", "127.0.0.1:0"], &[root])
}

fn root_is_a_file(stage: &Stage) -> Outcome {
    let file = fixtures::site().root().join("hello.txt");
    let file = file.to_string_lossy();
    must_fail(stage, &[&file, "--listen", "127.0.0.1:0"], &[&file])
}

fn unknown_flag(stage: &Stage) -> Outcome {
    must_explain(stage, &["--no-such-flag"], "--no-such-flag")
}

fn bad_address(stage: &Stage) -> Outcome {
    for address in ["nonsense", "127.0.0.1", "127.0.0.1:99999", "[::1:80"] {
        must_explain(stage, &["--listen", address], address)?;
    }
    Ok(PASSED)
}

fn ends_by_signal(stage: &Stage) -> Outcome {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut server = stage.start(&["--quiet"])?;
        let _idle = server.connect()?;
        let mut midway = server.connect()?;
        midway.send(b"GET /hello.txt HTTP/1.1\r\n")?;
        server.check_alive()?;
        kill(Pid::from_raw(server.pid()), signal)?;
        let status = server.wait_for_exit(stage.ceiling)?;
        if status.signal() != Some(signal as i32) {
            return Err(format!("after {signal}: {status}").into());
        }
    }
    Ok(PASSED)
}

fn restarts_on_the_same_port(stage: &Stage) -> Outcome {
    let server = stage.start(&["--quiet"])?;
    let address = server.address();
    let mut client = server.connect()?;
    client.ask(LAST)?;
    client.wait_for_end()?;
    drop(client);
    process::until("the server's TIME_WAIT", stage.ceiling, || {
        has_time_wait(address)
    })?;
    drop(server);
    if !has_time_wait(address) {
        return Err("TIME_WAIT has already expired: nothing was tested".into());
    }
    let again = address.to_string();
    let mut server = stage.start(&["--quiet", "--listen", &again])?;
    server.check_alive()?;
    Ok(PASSED)
}

/// Whether /proc/net/tcp has a socket on this port in state 06, `TIME_WAIT`.
fn has_time_wait(address: SocketAddr) -> bool {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let port = format!(":{:04X}", address.port());
    table.lines().any(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let local = fields.next().unwrap_or("");
        local.ends_with(&port) && fields.nth(1) == Some("06")
    })
}

fn survives_closed_output(stage: &Stage) -> Outcome {
    let mut noisy = stage.clone();
    let binary = stage.binary()?.to_string_lossy().into_owned();
    let words = vec!["RUST_LOG=trace".to_owned(), binary];
    noisy.launch = Launch::Program("env".into(), words);
    let mut server = noisy.start(&[])?;
    // The reader closes the pipe after its next line.
    server.stdout.stop();
    server.stderr.stop();
    for _ in 0..3 {
        server.check_alive()?;
    }
    let ceiling = stage.ceiling;
    process::until("the log's pipe to close", ceiling, || {
        server.stdout.has_ended()
    })?;
    for _ in 0..3 {
        server.check_alive()?;
    }
    Ok(PASSED)
}
