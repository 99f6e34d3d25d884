//! The interest list of the server's epoll instance, as the kernel has it:
//! `/proc/PID/fdinfo/FD` (proc(5)).

use std::fmt::Write as _;
use std::fs;

use conversations::snapshot::{Slot, Verdict};
use conversations::{Stage, process, report};
use nix::sys::epoll::EpollFlags;

const NAME: &str = env!("CARGO_PKG_NAME");

const PROMISE: &str = "What the kernel watches for. Client 2 asks for a \
    mebibyte and does not\nread it; then it reads all of it. Client 1 is \
    silent throughout.";

/// The events that the table knows, in its order.
const NAMES: [(EpollFlags, &str); 5] = [
    (EpollFlags::EPOLLIN, "IN"),
    (EpollFlags::EPOLLPRI, "PRI"),
    (EpollFlags::EPOLLOUT, "OUT"),
    (EpollFlags::EPOLLRDHUP, "RDHUP"),
    (EpollFlags::EPOLLET, "ET"),
];

#[test]
fn interest() -> Result<(), String> {
    let binary = env!(concat!("CARGO_BIN_EXE_", env!("CARGO_PKG_NAME")));
    let stage = Stage::program(binary, NAME);
    // Small buffers, or the mebibyte fits into them.
    let server = stage.start_plain(&["--io-limit", "4096"])?;
    let pid = server.pid();
    // Asleep, it has all that it starts with.
    process::until_asleep(pid, stage.ceiling)?;
    let alone = process::descriptors(pid)?;
    let accepted = |count| {
        process::until("the client to be accepted", stage.ceiling, || {
            process::descriptors(pid).is_ok_and(|now| now == alone + count)
        })
    };
    let silent = server.connect()?;
    accepted(1)?;
    let mut asking = server.connect()?;
    accepted(2)?;
    process::until_asleep(pid, stage.ceiling)?;
    let connected = list(pid)?;
    asking.send(b"GET /mebibyte.bin HTTP/1.1\r\nHost: interest\r\n\r\n")?;
    asking.settle(stage.ceiling);
    process::until_asleep(pid, stage.ceiling)?;
    let owing = list(pid)?;
    asking.wait_for_responses(1)?;
    process::until_asleep(pid, stage.ceiling)?;
    let done = list(pid)?;
    drop(silent);

    let mut table =
        format!("{:11}{:23}{:23}{}", "", "connected", "owing", "all sent");
    let rows = connected.iter().zip(&owing).zip(&done);
    for ((connected, owing), done) in rows {
        let ((token, connected), (_, owing), (_, done)) =
            (connected, owing, done);
        let who = match *token {
            0 => "listener".to_owned(),
            // The two highest are those of what a later stage waits for.
            u64::MAX => "timer".to_owned(),
            token if token == u64::MAX - 1 => "stop".to_owned(),
            token if token == u64::MAX - 2 => "reopen".to_owned(),
            // The first of all connections has the key 1.
            token => format!("client {}", token & 0xffff_ffff),
        };
        let _ = write!(table, "\n{who:11}{connected:23}{owing:23}{done}");
    }
    compare(&stage, &table)
}

/// What is watched for, by token: the listener's is 0, and the connections'
/// rise in the order in which they were accepted.
fn list(pid: i32) -> Result<Vec<(u64, String)>, String> {
    let told = |error: std::io::Error| error.to_string();
    let mut list = Vec::new();
    for entry in fs::read_dir(format!("/proc/{pid}/fd")).map_err(told)? {
        let fd = entry.map_err(told)?;
        let target = fs::read_link(fd.path()).map_err(told)?;
        if target.to_string_lossy() != "anon_inode:[eventpoll]" {
            continue;
        }
        let name = fd.file_name();
        let info = format!("/proc/{pid}/fdinfo/{}", name.to_string_lossy());
        let info = fs::read_to_string(info).map_err(told)?;
        list.extend(info.lines().filter_map(watched));
    }
    list.sort_unstable();
    Ok(list)
}

/// `tfd:  7 events:  2019 data:  100000001  pos:0 …`: token and events. ERR
/// and HUP are always among them, asked for or not.
fn watched(line: &str) -> Option<(u64, String)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let after = |name| {
        let at = words.iter().position(|word| *word == name)?;
        u64::from_str_radix(words.get(at + 1)?, 16).ok()
    };
    let events = u32::try_from(after("events:")?).ok()?.cast_signed();
    let events = EpollFlags::from_bits_retain(events);
    let names = NAMES.iter().filter(|(flag, _)| events.contains(*flag));
    let names: Vec<_> = names.map(|(_, name)| *name).collect();
    Some((after("data:")?, names.join(" ")))
}

fn compare(stage: &Stage, got: &str) -> Result<(), String> {
    let slot = Slot::of(stage, "interest", got);
    match slot.check(PROMISE, got) {
        Verdict::Same => Ok(()),
        Verdict::Missing => Err(format!("no {} yet:\n{got}", slot.shown())),
        Verdict::Differs(expected) => Err(report::difference(&expected, got)),
    }
}
