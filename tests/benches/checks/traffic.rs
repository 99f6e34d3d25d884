//! The floor, the peers and the client, over real sockets.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use conversations::stage;
use libtest_mimic::{Completion, Failed, Trial};

use super::same;
use crate::client::{self, Load};
use crate::contender::{Contender, FLOOR, Kind, field};
use crate::cpu;
use crate::idle_and_slow::{Idle, gather};
use crate::scenario::instructions;
use crate::server::{Needs, Server};
use crate::site::{LARGE, SMALL, Site};

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("floor: keep-alive", || floor("", 1, 64)),
        Trial::test("floor: pipelined", || floor("", 16, 64)),
        Trial::test("floor: a connection each", || floor("close", 1, 64)),
        Trial::test("floor: large file", || floor("large", 1, 1)),
        Trial::test("floor: idle connections", idle),
        Trial::ignorable_test("floor: instructions by steps", steps),
        Trial::ignorable_test("peer: nginx", || peer("nginx")),
        Trial::ignorable_test("peer: nginx-cache", || peer("nginx-cache")),
        Trial::ignorable_test("peer: lighttpd", || peer("lighttpd")),
        Trial::test("client: a wrong status", || {
            refused(b"HTTP/1.1 404 Not Found\r\n\r\n", "404")
        }),
        Trial::test("client: a wrong length", || {
            let response = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345";
            refused(response, "5")
        }),
        Trial::test("client: a truncated response", || {
            let response = b"HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n1";
            refused(response, "before its response was complete")
        }),
        Trial::test("client: an extra response", || {
            let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n";
            let response = [head.as_slice(), &[b'x'; SMALL]].concat();
            refused(&response.repeat(2), "more responses than requested")
        }),
    ]
}

fn load(server: &Server) -> Load {
    Load {
        address: server.address,
        path: "/small.bin",
        length: SMALL,
        connections: 1,
        depth: 1,
        each_new: false,
        // The load ends after this number of requests.
        time: Duration::from_secs(60),
        most: 2_000,
    }
}

fn bare() -> Contender {
    Contender { name: FLOOR.into(), kind: Kind::Floor }
}

fn floor(
    mode: &'static str,
    depth: usize,
    connections: usize,
) -> Result<(), Failed> {
    let site = Site::build()?;
    let needs = Needs { floor: mode, ..Needs::default() };
    let server = Server::start(&bare(), &needs, &site)?;
    let large = mode == "large";
    let load = Load {
        depth,
        connections,
        each_new: mode == "close",
        length: if large { LARGE } else { SMALL },
        most: if large { 3 } else { 2_000 },
        ..load(&server)
    };
    let before = cpu::time(server.pid())?;
    let outcome = client::run(&load)?;
    if outcome.responses < load.most {
        return Err(format!("{} responses", outcome.responses).into());
    }
    if cpu::time_at_rest(server.pid())? <= before {
        return Err("it used no CPU time".into());
    }
    Ok(())
}

fn idle() -> Result<(), Failed> {
    let site = Site::build()?;
    let server = Server::start(&bare(), &Needs::default(), &site)?;
    let before = cpu::private_memory(server.pid())?;
    let idle_and_slow = gather(&server, 50, Idle::Responded)?;
    same(idle_and_slow.len(), 50)?;
    same(before > 0, true)?;
    client::run(&load(&server))?;
    Ok(())
}

/// The same requests take the same number of instructions, except for a few: an
/// interrupted wait is repeated.
fn steps() -> Result<Completion, Failed> {
    if let Err(why) = instructions::steps::possible() {
        return Ok(Completion::ignored_with(why));
    }
    let site = Site::build()?;
    let count = || {
        let server = Server::start(&bare(), &Needs::default(), &site)?;
        client::run(&load(&server))?;
        instructions::stepped(&server, &load(&server), instructions::FEW)
    };
    let (first, second) = (count()?, count()?);
    if first < 100.0 || (first - second).abs() > first / 100.0 {
        return Err(format!("{first} instructions, then {second}").into());
    }
    Ok(Completion::Completed)
}

fn peer(name: &str) -> Result<Completion, Failed> {
    let field = field(&[name.to_owned()], &[]);
    let Some(contender) = field.contenders.first() else {
        let tool = name.split('-').next().unwrap_or(name);
        return stage::skip(&format!("peer: {name}"), tool);
    };
    let site = Site::build()?;
    let server = Server::start(contender, &Needs::default(), &site)?;
    let small = client::run(&load(&server))?;
    same(small.responses, 2_000)?;
    let large =
        Load { path: "/large.bin", length: LARGE, most: 2, ..load(&server) };
    same(client::run(&large)?.responses, 2)?;
    Ok(Completion::Completed)
}

/// A server that sends one constant response and closes: the client must fail,
/// and say why.
fn refused(response: &[u8], why: &str) -> Result<(), Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let response = response.to_vec();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept()?;
        let _ = stream.read(&mut [0; 4096])?;
        stream.write_all(&response)
    });
    let load = Load {
        address,
        path: "/",
        length: SMALL,
        connections: 1,
        depth: 1,
        each_new: false,
        time: Duration::from_secs(60),
        most: 2,
    };
    let got = client::run(&load);
    server.join().map_err(|_| "the server panicked")??;
    match got {
        Err(said) if said.contains(why) => Ok(()),
        other => Err(format!("not rejected for `{why}`: {other:?}").into()),
    }
}
