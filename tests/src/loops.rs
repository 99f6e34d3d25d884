//! One event loop per core: how connections are distributed, and the counts
//! that each loop reports at exit.

use std::fs;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::number::Number;
use crate::process;
use crate::server::Server;
use crate::stage::{Case, Outcome, PASSED, Stage};

const REQUEST: &[u8] = b"GET /hello.txt HTTP/1.1\r\nHost: loops\r\n\r\n";

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    let case = |name, promise, run| Case {
        name,
        promise,
        from: Number::step(6, 2),
        until: Number::EVER,
        any_server: false,
        run,
    };
    vec![
        case(
            "loops::distribution",
            "The kernel distributes clients over all loops. At exit each loop \
             reports its\nconnections and requests, and the counts add up.",
            distribution,
        ),
        Case {
            from: Number::step(6, 4),
            ..case(
                "loops::pinned",
                "With --pin-cpus each loop may run on one CPU only.",
                pinned,
            )
        },
        Case {
            from: Number::step(6, 4),
            ..case(
                "loops::steered",
                "With --steer-by-cpu all connections handled on one CPU go to the \
                 same loop.",
                steered,
            )
        },
    ]
}

fn start(stage: &Stage, flags: &[&str]) -> Result<Server, String> {
    let mut all = vec!["--quiet", "--threads", "4"];
    all.extend(flags);
    let server = stage.start(&all)?;
    process::until_asleep(server.pid(), stage.ceiling)?;
    Ok(server)
}

/// Connections and requests of each loop, as it reports them at exit.
fn counts(mut server: Server, stage: &Stage) -> Result<Vec<[u64; 2]>, String> {
    let pid = Pid::from_raw(server.pid());
    kill(pid, Signal::SIGTERM).map_err(|e| e.to_string())?;
    server.wait_for_exit(stage.ceiling)?;
    let lines = server.stderr.wait_for_end(stage.ceiling);
    let start = format!("{}: loop ", stage.name);
    let mut counts = Vec::new();
    for line in lines.iter().filter_map(|line| line.strip_prefix(&start)) {
        let expected = counts.len().to_string() + ":";
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [number, connections, "connections,", requests, "requests"]
                if number == expected =>
            {
                let count = |text: &str| {
                    text.parse().map_err(|_| format!("not a number: {line}"))
                };
                counts.push([count(connections)?, count(requests)?]);
            }
            _ => return Err(format!("expected loop {expected}, got {line:?}")),
        }
    }
    if counts.len() == 4 {
        return Ok(counts);
    }
    Err(format!("expected four loops: {lines:#?}"))
}

/// Connects `clients` clients, one after another, with three requests each.
fn ask(server: &Server, clients: usize) -> Result<(), String> {
    for _ in 0..clients {
        let mut client = server.connect()?;
        for _ in 0..3 {
            let response = client.ask(REQUEST)?;
            if response.status != 200 {
                return Err(format!("got {}", response.status));
            }
        }
    }
    Ok(())
}

fn distribution(stage: &Stage) -> Outcome {
    let server = start(stage, &[])?;
    ask(&server, 200)?;
    let counts = counts(server, stage)?;
    let sum =
        |index: usize| counts.iter().map(|count| count[index]).sum::<u64>();
    // The chance that one of four gets no connection is one in 10^24.
    let idle = counts.iter().any(|[connections, _]| *connections == 0);
    if idle || (sum(0), sum(1)) != (200, 600) {
        return Err(
            format!("connections and requests per loop: {counts:?}").into()
        );
    }
    Ok(PASSED)
}

fn pinned(stage: &Stage) -> Outcome {
    let server = start(stage, &["--pin-cpus"])?;
    let pid = server.pid();
    let mut single = 0;
    for task in process::tasks(pid)? {
        let path = format!("/proc/{pid}/task/{task}/status");
        let status = fs::read_to_string(path)?;
        let field = |name| status.lines().find_map(|l| l.strip_prefix(name));
        let cpus = field("Cpus_allowed_list:").unwrap_or_default().trim();
        let is_loop = field("Name:").unwrap_or_default().contains("loop");
        if is_loop && cpus.parse::<u32>().is_ok() {
            single += 1;
        }
    }
    if single != 4 {
        return Err(format!("{single} of 4 loops are pinned to one CPU").into());
    }
    Ok(PASSED)
}

fn steered(stage: &Stage) -> Outcome {
    let server = start(stage, &["--steer-by-cpu"])?;
    let here = Pid::from_raw(0);
    let before = sched_getaffinity(here)?;
    // Loopback packets are handled on the CPU of their sender.
    let allowed = |cpu: &usize| before.is_set(*cpu) == Ok(true);
    let cpu = (0..CpuSet::count()).rfind(allowed).unwrap_or(0);
    let mut only = CpuSet::new();
    only.set(cpu)?;
    sched_setaffinity(here, &only)?;
    let asked = ask(&server, 20);
    sched_setaffinity(here, &before)?;
    asked?;
    let counts = counts(server, stage)?;
    let expected = counts.get(cpu % 4).copied().unwrap_or_default();
    if expected != [20, 60] {
        return Err(format!(
            "CPU {cpu}: connections and requests per loop: {counts:?}"
        )
        .into());
    }
    Ok(PASSED)
}
