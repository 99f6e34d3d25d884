//! Four listeners share a port: which one gets which client, and what happens
//! to the clients of a listener that closes?
//!
//! With `SO_REUSEPORT` (socket(7)) the kernel gives each new connection to one
//! of the listeners, by a hash of addresses and ports, or by a program that it
//! runs for each SYN. Each listener has its own accept queue.
//!
//! Predict first: how evenly does the hash distribute 1,000 clients? What does
//! the kernel do if a program returns a number that no listener has? When a
//! listener closes, does another one get the clients in its queue?
//!
//! `a quarter` is 170 to 330 clients. In the second table 100 clients wait, and
//! listener 0 closes; or it quiesces (`IP_MINTTL` drops all new packets),
//! accepts its queue, and closes. Meanwhile 100 new clients connect; `late` is
//! 0.9 s or more. In the third table two sockets bind to one port. (A test with
//! two users needs root, so the lab does not try that.)
//!
//! Then change: `sysctl net.ipv4.tcp_migrate_req=1`, as root. Attach the
//! program to another socket. Accept the queue and close, without quiescing.

use std::iter;
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::time::Instant;

use conversations::lab::filter::{deafen, steer};
use conversations::lab::group::{four, member};
use conversations::lab::info::TcpInfo;
use conversations::lab::sockets::{LOOPBACK, connect, start_connecting};
use conversations::lab::{self, Lab, Stop, Table, until, works, yes};

fn main() -> ExitCode {
    lab::run(experiment)
}

fn experiment() -> Lab {
    let mut spread = Table::new(&[
        "program returns",
        "listener 0",
        "listener 1",
        "listener 2",
        "listener 3",
    ]);
    let programs = [("(no program)", None), ("2", Some(2)), ("9", Some(9))];
    for (returns, program) in programs {
        let [a, b, c, d] = share(program)?;
        spread.row(&[returns, a, b, c, d]);
    }
    let head = ["listener 0", "queued clients", "reset", "100 new clients"];
    let mut leaving = Table::new(&head);
    leaving.row(&leave("closes", false)?);
    leaving.row(&leave("quiesces, accepts, closes", true)?);
    let mut joining =
        Table::new(&["first: REUSEPORT", "second: REUSEPORT", "second bind"]);
    for (old, new) in [(false, true), (true, false), (true, true)] {
        let first = member(LOOPBACK, old)?;
        let second = member(first.local_addr()?, new);
        joining.row(&[yes(old), yes(new), &works(&second)]);
    }
    println!("{spread}\n\n{leaving}\n\n{joining}");
    Ok(())
}

/// Each listener's share of 1,000 clients.
fn share(program: Option<u32>) -> Result<[&'static str; 4], Stop> {
    let (group, place) = four()?;
    if let Some(number) = program {
        steer(&group[0], number)?;
    }
    let mut counts = [0; 4];
    for _ in 0..1000 {
        let _client = connect(place)?;
        until("a listener to get it", || {
            let mut each = group.iter().zip(&mut counts);
            let got = each.find(|(listener, _)| listener.accept().is_ok());
            got.map(|(_, count)| *count += 1).is_some()
        })?;
    }
    Ok(counts.map(|count| match count {
        0 => "none",
        170..=330 => "a quarter",
        1000 => "all",
        _ => "another share",
    }))
}

fn open(client: &impl AsFd) -> bool {
    TcpInfo::of(client).is_ok_and(|info| info.state == "ESTABLISHED")
}

/// Listener 0 closes while clients wait in its queue.
fn leave(how: &str, careful: bool) -> Result<[&str; 4], Stop> {
    let ([leaver, others @ ..], place) = four()?;
    let clients = (0..100).map(|_| connect(place));
    let clients = clients.collect::<Result<Vec<_>, _>>()?;
    let queue = |of: &TcpListener| TcpInfo::of(of).map_or(0, |i| i.unacked);
    let queues = || queue(&leaver) + others.iter().map(queue).sum::<u32>();
    until("all to be in a queue", || queues() == 100)?;
    let (waiting, start) = (queue(&leaver) as usize, Instant::now());
    // Unless it quiesces first, listener 0 closes here.
    let stays = careful.then_some(leaver);
    stays.as_ref().map_or(Ok(()), deafen)?;
    let more = (0..100).map(|_| start_connecting(place));
    let more = more.collect::<Result<Vec<_>, _>>()?;
    let accepted: Vec<_> =
        stays.iter().flat_map(|l| iter::from_fn(|| l.accept().ok())).collect();
    drop(stays);
    until("the others to connect", || more.iter().all(open))?;
    let late = start.elapsed().as_millis() >= 900;
    let reset = || clients.iter().filter(|client| !open(*client)).count();
    // A time-out is fine here: the table then says `none`.
    let _ = until("the resets", || reset() + accepted.len() >= waiting);
    let (reset, some) = (reset(), waiting > 0);
    Ok([
        how,
        if some { "some" } else { "none" },
        match reset {
            0 => "none",
            _ if reset == waiting => "all of them",
            _ => "others",
        },
        if late { "some are late" } else { "connect at once" },
    ])
}
