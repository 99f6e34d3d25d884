//! Which system calls does a request take? strace(1) counts them.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use conversations::process;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};

use super::{Bench, Figure, Scenario, everyone, requests};
use crate::client::{self, Load};
use crate::contender::{Contender, find};
use crate::cpu;
use crate::pin::{self, Side};
use crate::server::{Needs, Server};

/// The step is the number of clients, with one request after another each.
pub const SYSCALLS: Scenario = Scenario {
    name: "syscalls",
    title: "system calls of a request, 1 KiB",
    unit: "calls a request",
    who: everyone,
    steps: &[1, 64],
    rounds: 1,
    run,
    absent,
};

fn absent() -> Option<String> {
    if find("strace").is_none() {
        return Some("strace is not installed".into());
    }
    let scope = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope");
    let open = scope.is_ok_and(|scope| scope.trim() != "0");
    (open && !Uid::effective().is_root()).then(|| {
        "kernel.yama.ptrace_scope lets strace attach to nothing".into()
    })
}

fn run(
    contender: &Contender,
    clients: usize,
    bench: &Bench,
) -> Result<Vec<Figure>, String> {
    let needs = Needs { connections: clients, ..Needs::default() };
    let server = Server::start(contender, &needs, &bench.site)?;
    let load = Load {
        connections: clients,
        most: if bench.quick { 640 } else { 6_400 },
        ..requests::small(&server, Duration::from_secs(60))
    };
    requests::warm_up(&load)?;
    cpu::time_at_rest(server.pid())?;
    let file = bench.site.folder().join("strace.txt");
    let strace = attach(server.pid(), &file)?;
    pin::this_thread(Side::Load, true);
    let done = strace
        .wait_until_attached(server.pid())
        .and_then(|()| client::run(&load));
    drop(strace);
    let responses = done?.responses;
    let text = fs::read_to_string(&file).map_err(|e| e.to_string())?;
    let mut figure = summary(&text, responses);
    figure.case = match clients {
        1 => "1 client".to_owned(),
        n => format!("{n} clients"),
    };
    Ok(vec![figure])
}

/// A running strace. When dropped, it detaches from the server and writes its
/// table.
struct Strace(Child);

fn attach(server: i32, file: &Path) -> Result<Strace, String> {
    let mut command = Command::new("strace");
    command.args(["-f", "-c", "-o"]).arg(file);
    for pid in cpu::family(server) {
        command.args(["-p", &pid.to_string()]);
    }
    pin::command(&mut command, Side::Load, true);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map(Strace).map_err(|e| format!("strace: {e}"))
}

impl Strace {
    fn wait_until_attached(&self, server: i32) -> Result<(), String> {
        let ceiling = Duration::from_secs(20);
        let id = self.0.id();
        process::until("strace to attach to every thread", ceiling, || {
            let mut family = cpu::family(server).into_iter();
            family.all(|pid| {
                let tasks = process::tasks(pid).unwrap_or_default();
                tasks.iter().all(|task| traced(pid, *task, id))
            })
        })
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        let id = Pid::from_raw(self.0.id().cast_signed());
        let _ = kill(id, Signal::SIGINT);
        let _ = self.0.wait();
    }
}

/// Whether strace, of this process id, follows the thread.
fn traced(pid: i32, task: i32, strace: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/task/{task}/status"));
    let line = format!("TracerPid:\t{strace}\n");
    status.is_ok_and(|status| status.contains(&line))
}

/// Parses the table of `strace -c`: the fourth column is the number of calls,
/// the last one the name.
#[must_use]
pub fn summary(text: &str, requests: u64) -> Figure {
    let mut calls: Vec<(f64, &str)> = text
        .lines()
        .filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let count = words.get(3)?.parse::<f64>().ok()?;
            let name = words.last().filter(|name| **name != "total")?;
            Some((count / requests as f64, *name))
        })
        .collect();
    calls.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    // Calls that happen once in two hundred requests are not part of a request.
    let often = calls.iter().filter(|(count, _)| *count >= 0.005);
    let often = often.map(|(count, name)| format!("{name} {count:.2}"));
    Figure {
        value: calls.iter().map(|(count, _)| count).sum(),
        note: often.collect::<Vec<_>>().join(", "),
        ..Figure::default()
    }
}
