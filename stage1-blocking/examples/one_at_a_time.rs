//! What does one idle client do to the others, when each client has a thread to
//! itself and threads are few?
//!
//! Predict first: the server has one thread, and a silent client has connected
//! before you. Does `connect` work? Are your bytes acknowledged? By whom, if
//! the only thread sleeps?
//!
//! A browser is such a client on its own: it opens a connection or two in
//! advance. So "my browser hangs" is the first complaint about a server with
//! one thread, while curl, which opens one connection, works.
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

/// Long enough for an answer that is on its way; one that is not will never
/// come, however long we wait.
const PATIENCE: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    lab::run(experiment)
}

fn experiment() -> Lab {
    let mut table = Table::new(&[
        "threads",
        "idle before",
        "connected",
        "acknowledged",
        "answered",
        "when one leaves",
    ]);
    for (threads, idle) in [(1, 0), (1, 1), (2, 1), (2, 2)] {
        ask(threads, idle, &mut table)?;
    }
    println!("{table}");
    Ok(())
}

/// Takes one client after the other, and each to its end.
fn serve(listener: &TcpListener) {
    while let Ok((mut client, _)) = listener.accept() {
        let mut request = [0; 1024];
        // Here the thread sleeps until this client speaks or leaves.
        while let Ok(1..) = client.read(&mut request) {
            let _ = client.write_all(b"an answer");
        }
    }
}

/// Comes behind so many idle clients, and asks.
fn ask(threads: usize, idle: usize, table: &mut Table) -> Lab {
    let listener = Arc::new(TcpListener::bind(LOOPBACK)?);
    let address = listener.local_addr()?;
    for _ in 0..threads {
        let listener = Arc::clone(&listener);
        thread::spawn(move || serve(&listener));
    }
    // The queue of the listener keeps the order, so these are taken first.
    let mut before = Vec::new();
    for _ in 0..idle {
        before.push(connect(address)?);
    }
    let mut client = connect(address)?;
    let connected = client.peer_addr().is_ok();
    client.write_all(b"a request")?;
    // The kernel on the other side does this, whatever the server does.
    let acknowledged = lab::until("the acknowledgement", || {
        TcpInfo::of(&client).is_ok_and(|info| info.unacked == 0)
    });
    let answered = readable(&client, PATIENCE)?;
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
        yes(answered),
        later,
    ]);
    Ok(())
}
