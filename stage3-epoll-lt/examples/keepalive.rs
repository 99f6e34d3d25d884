//! When does the kernel notice that a client's machine has died, and when does
//! it not?
//!
//! `TCP_KEEPIDLE`, `TCP_KEEPINTVL` and `TCP_KEEPCNT` are 1 s, 1 s and 3 here. A
//! dead client is a socket that drops everything it receives (`IP_MINTTL`): it
//! neither replies nor resets, like a machine without power.
//!
//! Predict first: after how many seconds does a dead client's connection end,
//! and with which error? How many probes does a silent client get, and does it
//! notice? What if the server has sent something just before the client died:
//! do the probes help then?
//!
//! From `TCP_INFO`: `ACKs` says whether acknowledgements without data arrived,
//! as replies to probes; `probes` is the number without a reply; `resent` says
//! whether data was retransmitted. The lab watches each connection for at most
//! eight seconds.
//!
//! Then change: the three numbers; a `TCP_USER_TIMEOUT` of 2000 milliseconds
//! for each, which the last row needs. Run `ss -tno` to see the timers.
//!
//! Takes eight seconds.

use std::io::{ErrorKind, Read as _, Write as _};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use conversations::lab::filter::deafen;
use conversations::lab::info::TcpInfo;
use conversations::lab::sockets::pair;
use conversations::lab::{self, Lab, Stop, Table, name, yes};
use nix::sys::socket::{setsockopt, sockopt};

/// Idle time before the first probe, and time between probes, in seconds.
const IDLE: u32 = 1;
const INTERVAL: u32 = 1;

/// Number of unanswered probes before the kernel gives up.
const COUNT: u32 = 3;

/// When the kernel should notice that a client is dead.
const DUE: Duration = Duration::from_secs((IDLE + COUNT * INTERVAL) as u64);

fn main() -> ExitCode {
    lab::run(experiment)
}

fn experiment() -> Lab {
    let mut table = Table::new(&[
        "client",
        "keep-alive",
        "in flight",
        "ACKs",
        "probes",
        "resent",
        "error",
        "after",
    ]);
    let cases = [
        ("silent", "off", "nothing"),
        ("silent", "on", "nothing"),
        ("dead", "off", "nothing"),
        ("dead", "on", "nothing"),
        ("dead", "on", "1 byte"),
    ];
    // In parallel, because each one takes seconds.
    let rows = cases.map(|(client, option, data)| {
        thread::spawn(move || watch(client, option, data))
    });
    for ((client, option, data), row) in cases.into_iter().zip(rows) {
        let row = row.join().map_err(|_| "a thread panicked")??;
        let [acks, probes, resent, end, after] = &row;
        table.row(&[client, option, data, acks, probes, resent, end, after]);
    }
    println!("{table}");
    Ok(())
}

/// Watches the server's end of one connection.
fn watch(client: &str, option: &str, data: &str) -> Result<[String; 5], Stop> {
    let (theirs, mut ours) = pair()?;
    if option == "on" {
        setsockopt(&ours, sockopt::TcpKeepIdle, &IDLE)?;
        setsockopt(&ours, sockopt::TcpKeepInterval, &INTERVAL)?;
        setsockopt(&ours, sockopt::TcpKeepCount, &COUNT)?;
        setsockopt(&ours, sockopt::KeepAlive, &true)?;
    }
    if client == "dead" {
        deafen(&theirs)?;
    }
    if data != "nothing" {
        ours.write_all(b"x")?;
    }
    ours.set_read_timeout(Some(Duration::from_millis(100)))?;
    let start = Instant::now();
    let (mut probes, mut before) = (0, 0);
    let (mut acks, mut resent) = (false, false);
    let (mut ended, mut after) = ("-".to_owned(), "-".to_owned());
    while ended == "-" && start.elapsed() < 2 * DUE {
        let info = TcpInfo::of(&ours)?;
        // A reply takes a moment, so only a value seen twice in a row counts.
        probes = probes.max(info.probes.min(before));
        before = info.probes;
        resent |= info.total_retrans > 0;
        // Both are in milliseconds and began together.
        acks |= info.last_ack_recv + 500 < info.last_data_recv;
        let Err(error) = ours.read(&mut [0]) else { break };
        if error.kind() != ErrorKind::WouldBlock {
            ended = name(&error);
            after = format!("{:.0} s", start.elapsed().as_secs_f32());
        }
    }
    let (acks, resent) = (yes(acks).into(), yes(resent).into());
    Ok([acks, probes.to_string(), resent, ended, after])
}
