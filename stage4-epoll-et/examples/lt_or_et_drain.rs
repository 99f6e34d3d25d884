//! How far must a reader read, level-triggered and edge-triggered?
//!
//! A client sends 4000 bytes, nine times. Each time the server calls
//! `epoll_wait` until there is no event, and at each event it receives up to
//! 1024 bytes: once, or until a count is short, or until `EAGAIN`.
//!
//! Predict first: which rows leave bytes in the kernel for good, although the
//! client waits for a response? How many calls of `recv` does each of the
//! others need?
//!
//! `events` is the number of events, and `recv` the number of calls, for each
//! 4000 bytes; `left` is how many bytes stay unread at the end.
//!
//! Then change: 4000 to 4096. What does a short count save then? Why is it not
//! enough when `EPOLLRDHUP` came with the data, or a byte is urgent? (`receive`
//! in `src/connection.rs` explains it.) And let a server that has received once
//! keep a list of the connections to come back to: that is the ready queue of
//! stage 4.

use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::process::ExitCode;

use conversations::lab::options::unread;
use conversations::lab::sockets::pair;
use conversations::lab::{self, Lab, Stop, Table, until};
use nix::errno::Errno;
use nix::sys::epoll::{
    Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout,
};
use nix::sys::socket::{MsgFlags, recv};

/// In bytes.
const MESSAGE: usize = 4000;
const PIECE: usize = 1024;

/// Messages on a connection.
const MESSAGES: usize = 9;

/// When a reader has enough.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    OnePiece,
    ShortCount,
    WouldBlock,
}

fn main() -> ExitCode {
    lab::run(experiment)
}

fn experiment() -> Lab {
    let mut table =
        Table::new(&["triggered by", "receives", "events", "recv", "left"]);
    let modes = [("level", EpollFlags::empty()), ("edge", EpollFlags::EPOLLET)];
    let enough = [
        ("one piece", Until::OnePiece),
        ("to a short count", Until::ShortCount),
        ("to EAGAIN", Until::WouldBlock),
    ];
    for (mode, flag) in modes {
        for (name, enough) in enough {
            let [events, calls, left] = talk(flag, enough)?;
            table.row(&[mode, name, &events, &calls, &left]);
        }
    }
    println!("{table}");
    Ok(())
}

/// Returns how many events and calls there were for a message, and how many
/// bytes are left.
fn talk(flag: EpollFlags, enough: Until) -> Result<[String; 3], Stop> {
    let (mut client, server) = pair()?;
    server.set_nonblocking(true)?;
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    epoll.add(&server, EpollEvent::new(EpollFlags::EPOLLIN | flag, 0))?;
    let (mut events, mut calls) = (0, 0);
    for _ in 0..MESSAGES {
        let before = unread(&server)?;
        client.write_all(&[b'x'; MESSAGE])?;
        until("the message", || unread(&server) == Ok(before + MESSAGE))?;
        let mut space = [EpollEvent::empty()];
        while epoll.wait(&mut space, EpollTimeout::ZERO)? > 0 {
            events += 1;
            loop {
                let mut piece = [0; PIECE];
                let fd = server.as_raw_fd();
                let count = recv(fd, &mut piece, MsgFlags::empty());
                calls += 1;
                match count {
                    Err(Errno::EAGAIN) => break,
                    Err(error) => return Err(error.into()),
                    Ok(_) if enough == Until::OnePiece => break,
                    Ok(count) if count < PIECE => {
                        if enough == Until::ShortCount {
                            break;
                        }
                    }
                    Ok(_) => {}
                }
            }
        }
    }
    let left = unread(&server)?.to_string();
    let each = |count: usize| (count / MESSAGES).to_string();
    Ok([each(events), each(calls), left])
}
