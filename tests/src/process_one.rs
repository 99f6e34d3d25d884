//! A server that is process 1 of its container.

use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::number::Number;
use crate::server::Server;
use crate::signal::until_closed;
use crate::stage::{Case, Launch, Outcome, PASSED, Stage, skip};

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    vec![Case {
        name: "process_one::ends_by_signal",
        promise: "For process 1 of a container, signals have no default \
                  action. SIGTERM and\nSIGINT end the server anyway: at once, \
                  or from stage 5 on at the second\nsignal, with exit code 128 \
                  plus the signal number.",
        from: Number::stage(1),
        until: Number::EVER,
        any_server: false,
        run: ends_by_signal,
    }]
}

/// The `unshare` command for a new PID namespace, with a new user namespace
/// where an ordinary user needs one.
fn unshare() -> Option<Vec<String>> {
    let flags = ["--pid", "--fork", "--kill-child"];
    let user = ["--user", "--map-root-user"];
    [flags.to_vec(), [&user[..], &flags[..]].concat()]
        .into_iter()
        .find(|flags| {
            let mut command = Command::new("unshare");
            command.args(flags).arg("true").stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        })
        .map(|flags| flags.into_iter().map(String::from).collect())
}

/// The process's only child.
fn child_of(pid: i32) -> Option<Pid> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let text = std::fs::read_to_string(Path::new(&path)).ok()?;
    text.trim().parse().ok().map(Pid::from_raw)
}

fn ends_by_signal(stage: &Stage) -> Outcome {
    let Some(mut words) = unshare() else {
        let privilege = "permission to create a PID namespace with unshare(1)";
        return skip("process_one::ends_by_signal", privilege);
    };
    words.push(stage.binary()?.to_string_lossy().into_owned());
    let mut inside = stage.clone();
    inside.launch = Launch::Program("unshare".into(), words);
    let graceful = stage.at >= Number::step(5, 6);
    let long = ["--drain-timeout", "600", "--head-timeout", "600"];
    let flags = if graceful { &long[..] } else { &[] };
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let flags = [&["--quiet"], flags].concat();
        let mut server = inside.start(&flags)?;
        let pid = child_of(server.pid()).ok_or("unshare has no child")?;
        // A request in flight, so that a graceful shutdown has to wait.
        let mut client = server.connect()?;
        client.send(b"GET /hello.txt HTTP/1.1\r\n")?;
        client.settle(stage.ceiling);
        send(pid, signal)?;
        if graceful {
            until_closed(&server, stage)?;
            send(pid, signal)?;
        }
        check(&mut server, stage, signal)?;
    }
    Ok(PASSED)
}

fn send(pid: Pid, signal: Signal) -> Result<(), String> {
    kill(pid, signal).map_err(|error| error.to_string())
}

fn check(
    server: &mut Server,
    stage: &Stage,
    signal: Signal,
) -> Result<(), String> {
    let status = server.wait_for_exit(stage.ceiling)?;
    if status.code() == Some(128 + signal as i32) {
        return Ok(());
    }
    Err(format!("after {signal}: {status}"))
}
