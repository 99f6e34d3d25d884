//! When does epoll report an event, level-triggered and edge-triggered?
//!
//! Two epoll instances watch the same socket, one of each kind, and the lab
//! calls `epoll_wait` after each thing that happens to it. Level-triggered
//! reports a state; edge-triggered reports what has happened since the last
//! report.
//!
//! Predict first, for `edge`: eight bytes arrive, and the program reads four of
//! them. Is there an event for the other four? Four more arrive, while some are
//! unread: is there an event then? And after registering the same interest
//! again? (Many pages get the last two wrong.)
//!
//! Then change: read nothing at all, and let the client send byte by byte. Add
//! `EPOLLOUT` to the interest: how often does `level` report it? The test
//! `readiness` of this stage has more rows: urgent bytes, resets.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::process::ExitCode;

use conversations::lab::sockets::pair;
use conversations::lab::{self, Lab, Table};
use nix::sys::epoll::{
    Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout,
};

/// The events to wait for.
const INTEREST: EpollFlags = EpollFlags::EPOLLIN.union(EpollFlags::EPOLLRDHUP);

/// Maximum wait for bytes in flight, in milliseconds.
const CEILING: u16 = 20_000;

fn main() -> ExitCode {
    lab::run(experiment)
}

fn experiment() -> Lab {
    let (mut client, mut server) = pair()?;
    let edged = INTEREST | EpollFlags::EPOLLET;
    let (level, edge) = (watch(&server, INTEREST)?, watch(&server, edged)?);
    let mut table = Table::new(&["step", "level", "edge"]);
    // `level` may still be ready from before. So `edge` waits first, until the
    // bytes that the client has sent are there.
    let mut ask = |what: &str, patience: EpollTimeout| -> nix::Result<()> {
        let edge = events(&edge, patience)?;
        table.row(&[what, &events(&level, EpollTimeout::ZERO)?, &edge]);
        Ok(())
    };
    let (arrival, now) = (EpollTimeout::from(CEILING), EpollTimeout::ZERO);

    client.write_all(b"12345678")?;
    ask("8 bytes arrive", arrival)?;
    ask("epoll_wait again", now)?;
    server.read_exact(&mut [0; 4])?;
    ask("the program reads 4", now)?;
    client.write_all(b"1234")?;
    ask("4 more arrive, 4 are unread", arrival)?;
    level.modify(&server, &mut EpollEvent::new(INTEREST, 0))?;
    edge.modify(&server, &mut EpollEvent::new(edged, 0))?;
    ask("EPOLL_CTL_MOD, same interest", now)?;
    server.read_exact(&mut [0; 8])?;
    ask("the program reads all 8", now)?;
    client.shutdown(Shutdown::Write)?;
    ask("the client half-closes", arrival)?;
    ask("epoll_wait again", now)?;
    let end = server.read(&mut [0])?;
    ask(&format!("recv returns {end}"), now)?;
    level.delete(&server)?;
    edge.delete(&server)?;
    ask("EPOLL_CTL_DEL", now)?;
    println!("{table}");
    Ok(())
}

/// An epoll instance for one socket.
fn watch(socket: &TcpStream, interest: EpollFlags) -> nix::Result<Epoll> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    epoll.add(socket, EpollEvent::new(interest, 0))?;
    Ok(epoll)
}

/// The reported events, without the prefix `EPOLL`.
fn events(epoll: &Epoll, patience: EpollTimeout) -> nix::Result<String> {
    let mut events = [EpollEvent::empty()];
    let [event] = match epoll.wait(&mut events, patience)? {
        0 => return Ok("-".to_owned()),
        _ => events,
    };
    let names = event.events().iter_names().map(|(name, _)| name);
    let names: Vec<_> = names.map(|n| n.trim_start_matches("EPOLL")).collect();
    Ok(names.join(" "))
}
