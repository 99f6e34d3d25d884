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
//! `events` and `recv calls` are numbers per 4000 bytes; `bytes left` is the
//! number of bytes unread at the end.
//!
//! Then change: 4000 to 4096. What does a short count save then? Why is it not
//! enough when `EPOLLRDHUP` arrived with the data, or a byte is urgent?
//! (`receive` in `src/connection.rs` explains it.) Let a server that receives
//! only once keep a list of connections to continue with: that is the ready
//! queue of stage 4.

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

/// Sizes in bytes.
const MESSAGE: usize = 4000;
const BUFFER: usize = 1024;

/// Messages on a connection.
const MESSAGES: usize = 9;

/// When a reader stops.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    Once,
    ShortCount,
    WouldBlock,
}

fn main() -> ExitCode {
    lab::run(experiment)
}

fn experiment() -> Lab {
    let mut table =
        Table::new(&["trigger", "reads", "events", "recv calls", "bytes left"]);
    let modes = [("level", EpollFlags::empty()), ("edge", EpollFlags::EPOLLET)];
    let enough = [
        ("once", Until::Once),
        ("until a short count", Until::ShortCount),
        ("until EAGAIN", Until::WouldBlock),
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

/// Returns the numbers of events and calls per message, and of bytes left.
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
                let mut buffer = [0; BUFFER];
                let fd = server.as_raw_fd();
                let count = recv(fd, &mut buffer, MsgFlags::empty());
                calls += 1;
                match count {
                    Err(Errno::EAGAIN) => break,
                    Err(error) => return Err(error.into()),
                    Ok(_) if enough == Until::Once => break,
                    Ok(count) if count < BUFFER => {
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
