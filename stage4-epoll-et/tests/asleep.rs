//! Checks in which system call the server sleeps, and how long a list it passes
//! there. The kernel shows both in `/proc/PID/syscall` (proc(5)).

use std::fmt::Write as _;
use std::fs;

use conversations::snapshot::{Slot, Verdict};
use conversations::{Stage, process, report};

const NAME: &str = env!("CARGO_PKG_NAME");

const PROMISE: &str = "Which system call the server sleeps in while clients \
    are connected and silent,\nand how long a list it passes to the kernel \
    there.";

/// Numbers of connected clients, one per row of the table.
const CLIENTS: [usize; 3] = [0, 10, 100];

#[test]
fn asleep() -> Result<(), String> {
    let binary = env!(concat!("CARGO_BIN_EXE_", env!("CARGO_PKG_NAME")));
    let stage = Stage::program(binary, NAME);
    let server = stage.start_plain(&[])?;
    let pid = server.pid();
    // Once it sleeps, it has opened all its own descriptors.
    process::until_asleep(pid, stage.ceiling)?;
    let alone = process::descriptors(pid)?;
    let mut clients = Vec::new();
    let mut table = String::from("clients   asleep in");
    for count in CLIENTS {
        while clients.len() < count {
            clients.push(server.connect()?);
        }
        process::until("the clients to be accepted", stage.ceiling, || {
            process::descriptors(pid).is_ok_and(|now| now == alone + count)
        })?;
        process::until_asleep(pid, stage.ceiling)?;
        let _ = write!(table, "\n{count:7}   {}", sleeps_in(pid)?);
    }
    compare(&stage, &table)
}

/// The system call that the loop is in. Its thread is the only one of the
/// process, or the one started last.
fn sleeps_in(pid: i32) -> Result<String, String> {
    let task = process::tasks(pid)?.into_iter().max().unwrap_or(pid);
    let path = format!("/proc/{pid}/task/{task}/syscall");
    let line = fs::read_to_string(&path).map_err(|e| format!("{path}: {e}"))?;
    let mut words = line.split_whitespace();
    let number: i64 = words.next().unwrap_or("").parse().unwrap_or(-1);
    let arguments: Vec<u64> = words
        .filter_map(|word| u64::from_str_radix(word.get(2..)?, 16).ok())
        .collect();
    // Newer processors have only the calls that take a signal mask as well.
    #[cfg(target_arch = "x86_64")]
    let (poll, epoll) = (libc::SYS_poll, libc::SYS_epoll_wait);
    #[cfg(not(target_arch = "x86_64"))]
    let (poll, epoll) = (libc::SYS_ppoll, libc::SYS_epoll_pwait);
    if number == poll {
        let length = arguments.get(1).copied().unwrap_or(0);
        Ok(format!("poll, with a list of {length}"))
    } else if number == epoll {
        Ok("epoll_wait, with no list".to_owned())
    } else {
        Err(format!("it sleeps in another call: {line}"))
    }
}

fn compare(stage: &Stage, got: &str) -> Result<(), String> {
    let slot = Slot::of(stage, "asleep", got);
    match slot.check(PROMISE, got) {
        Verdict::Same => Ok(()),
        Verdict::Missing => Err(format!("no {} yet:\n{got}", slot.shown())),
        Verdict::Differs(expected) => Err(report::difference(&expected, got)),
    }
}
