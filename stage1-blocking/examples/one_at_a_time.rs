//! How does one idle client affect the others, when each client occupies a
//! thread and there are few threads?
//!
//! Predict first: the server has one thread, and a silent client has connected
//! before you. Does `connect` work? Are your bytes acknowledged? By whom, if
//! the only thread sleeps?
//!
//! A browser is such a client: it opens a connection or two in advance. So "my
//! browser hangs" is the first complaint about a server with one thread, while
//! curl, which opens only one connection, works.
//!
//! `served` says whether the last client gets a response, and `once one closes`
//! whether it does after an idle client has closed.
//!
//! Then change: the number of threads, up to the 64 of stage 1. How many idle
//! clients does it take? Let the idle one send a byte: does that help?

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use conversations::lab::info::TcpInfo;
use conversations::lab::sockets::{LOOPBACK, connect, readable};
use conversations::lab::{self, CEILING, Lab, Table, yes};

/// Long enough for a response, if the server sends one at all.
const PATIENCE: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    lab::run(experiment)
}

fn experiment() -> Lab {
    let mut table = Table::new(&[
        "threads",
        "idle clients",
        "connected",
        "data ACKed",
        "served",
        "once one closes",
    ]);
    for (threads, idle) in [(1, 0), (1, 1), (2, 1), (2, 2)] {
        ask(threads, idle, &mut table)?;
    }
    println!("{table}");
    Ok(())
}

/// Serves one client after the other, each until it closes.
fn serve(listener: &TcpListener) {
    while let Ok((mut client, _)) = listener.accept() {
        let mut request = [0; 1024];
        // Here the thread sleeps until this client sends or closes.
        while let Ok(1..) = client.read(&mut request) {
            let _ = client.write_all(b"a response");
        }
    }
}

/// Connects `idle` clients that send nothing, and then one with a request.
fn ask(threads: usize, idle: usize, table: &mut Table) -> Lab {
    let listener = Arc::new(TcpListener::bind(LOOPBACK)?);
    let address = listener.local_addr()?;
    for _ in 0..threads {
        let listener = Arc::clone(&listener);
        thread::spawn(move || serve(&listener));
    }
    // The accept queue is in order, so the server accepts these first.
    let mut before = Vec::new();
    for _ in 0..idle {
        before.push(connect(address)?);
    }
    let mut client = connect(address)?;
    let connected = client.peer_addr().is_ok();
    client.write_all(b"a request")?;
    // The server's kernel acknowledges, even if the server never reads.
    let acknowledged = lab::until("the acknowledgement", || {
        TcpInfo::of(&client).is_ok_and(|info| info.unacked == 0)
    });
    let served = readable(&client, PATIENCE)?;
    let later = if before.pop().is_none() {
        "-"
    } else {
        yes(readable(&client, CEILING)?)
    };
    table.row(&[
        &threads.to_string(),
        &idle.to_string(),
        yes(connected),
        yes(acknowledged.is_ok()),
        yes(served),
        later,
    ]);
    Ok(())
}
