//! Eight workers wait on one listener, and one client connects: how many of
//! them wake up?
//!
//! Each worker is a thread, and each one that uses epoll has its own instance.
//! A thread that wakes up and sleeps again has made a voluntary context switch,
//! and the kernel counts those (proc(5), `voluntary_ctxt_switches`). Counting
//! returns of `epoll_wait` would miss threads that find nothing and keep
//! sleeping in the kernel.
//!
//! Predict first: which of the five wake one worker, and which wake all? If
//! only one wakes up, is it always the same one? Does edge-triggering help?
//!
//! `wake-ups` is per client; the next client connects when all workers sleep.
//! `served by` says who accepted, where only one woke up.
//!
//! Then change: one epoll instance for all. Let clients connect without a
//! pause.

use std::collections::HashSet;
use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use conversations::lab::sockets::{LOOPBACK, connect, readable};
use conversations::lab::task::Task;
use conversations::lab::{self, CEILING, Lab, Stop, Table, until};
use nix::sys::epoll::{
    Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout,
};

const WORKERS: usize = 8;
const CONNECTIONS: usize = 40;

fn main() -> ExitCode {
    lab::run(experiment)
}

/// How a worker waits for the listener.
#[derive(Clone, Copy)]
enum Wait {
    Accept,
    Poll,
    Epoll(EpollFlags),
}

fn experiment() -> Lab {
    let mut table = Table::new(&["8 workers wait in", "wake-ups", "served by"]);
    for (name, wait) in [
        ("blocking accept", Wait::Accept),
        ("poll", Wait::Poll),
        ("epoll, level-triggered", Wait::Epoll(EpollFlags::empty())),
        ("epoll, edge-triggered", Wait::Epoll(EpollFlags::EPOLLET)),
        ("epoll, EPOLLEXCLUSIVE", Wait::Epoll(EpollFlags::EPOLLEXCLUSIVE)),
    ] {
        let (wakeups, by) = serve(wait)?;
        table.row(&[name, &wakeups, by]);
    }
    println!("{table}");
    Ok(())
}

/// The number of wake-ups per client, and which workers served them.
fn serve(wait: Wait) -> Result<(String, &'static str), Stop> {
    let listener = Arc::new(TcpListener::bind(LOOPBACK)?);
    listener.set_nonblocking(!matches!(wait, Wait::Accept))?;
    let (tell, told) = channel();
    for _ in 0..WORKERS {
        let (listener, tell) = (Arc::clone(&listener), tell.clone());
        thread::spawn(move || work(&listener, wait, &tell));
    }
    let ready = || told.recv_timeout(CEILING).map_err(|e| e.to_string());
    let tasks = (0..WORKERS).map(|_| ready());
    let tasks = tasks.collect::<Result<Vec<_>, _>>()?;
    let asleep = || tasks.iter().all(Task::sleeps);
    let switches = || tasks.iter().map(Task::switches).sum::<usize>();
    until("all to sleep", asleep)?;
    let before = switches();
    let mut servers = HashSet::new();
    for _ in 0..CONNECTIONS {
        let _client = connect(listener.local_addr()?)?;
        servers.insert(ready()?);
        until("all to sleep", asleep)?;
    }
    let wakeups = (switches() - before + CONNECTIONS / 2) / CONNECTIONS;
    let by = match servers.len() {
        _ if wakeups > 1 => "-",
        1 => "always the same one",
        WORKERS => "each in turn",
        _ => "several",
    };
    Ok((wakeups.to_string(), by))
}

/// Reports its task at the start, and again after each `accept`.
fn work(listener: &TcpListener, wait: Wait, tell: &Sender<Task>) -> Lab {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    if let Wait::Epoll(flag) = wait {
        epoll.add(listener, EpollEvent::new(EpollFlags::EPOLLIN | flag, 0))?;
    }
    let task = Task::current()?;
    let _ = tell.send(task.clone());
    loop {
        match wait {
            Wait::Accept => {}
            Wait::Poll => {
                readable(listener, Duration::MAX)?;
            }
            Wait::Epoll(_) => {
                let mut events = [EpollEvent::empty()];
                epoll.wait(&mut events, EpollTimeout::NONE)?;
            }
        }
        // EAGAIN means that another worker was first.
        if listener.accept().is_ok() {
            let _ = tell.send(task.clone());
        }
    }
}
