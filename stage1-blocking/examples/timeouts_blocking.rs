//! `SO_RCVTIMEO` is set to one second: how long may a client keep a thread?
//!
//! Predict first: one client is silent, another sends a byte ten times per
//! second and never a whole line. When does each time out?
//!
//! The third row sets `SO_RCVTIMEO` before each `recv` to the time left until a
//! deadline, so the limit is per request and not per call. (It costs a
//! system call per `recv`; from stage 5 on a timer does this.)
//!
//! Then change: the time between two bytes, from below a second to above. Run
//! `strace -T -e trace=recvfrom` on this program. Do the same with
//! `SO_SNDTIMEO`, a large `send` and a client that reads a little now and then.
//!
//! Takes four seconds.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use conversations::lab::sockets::pair;
use conversations::lab::{self, Lab, Stop, Table, name};

/// The value of `SO_RCVTIMEO`.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Time between two bytes from the client that drips.
const DRIP: Duration = Duration::from_millis(100);

/// Number of bytes that it sends before it closes: 4 s.
const DROPS: usize = 40;

fn main() -> ExitCode {
    lab::run(experiment)
}

fn experiment() -> Lab {
    let mut table = Table::new(&[
        "client",
        "limit per",
        "bytes",
        "ended by",
        "thread busy",
    ]);
    // In parallel, because each one takes seconds.
    let silent = thread::spawn(|| serve(0, false));
    let dripping = thread::spawn(|| serve(DROPS, false));
    let limited = thread::spawn(|| serve(DROPS, true));
    let rows = [
        ("silent", "recv", silent),
        ("dripping", "recv", dripping),
        ("dripping", "request", limited),
    ];
    for (client, limit, row) in rows {
        let row = row.join().map_err(|_| "a thread panicked")??;
        let [bytes, ended, kept] = &row;
        table.row(&[client, limit, bytes, ended, kept]);
    }
    println!("{table}");
    Ok(())
}

/// Repeats an attempt in which the client was late, as on a busy machine.
fn serve(drops: usize, deadline: bool) -> Result<[String; 3], Stop> {
    for _ in 0..5 {
        if let Some(row) = attempt(drops, deadline)? {
            return Ok(row);
        }
    }
    Err("the client was late each time".into())
}

/// Waits for a line that never arrives, from a client that sends `drops` bytes
/// and then closes, or is silent. Returns how many bytes arrived, what ended
/// the wait, and how long it was.
fn attempt(drops: usize, deadline: bool) -> Result<Option<[String; 3]>, Stop> {
    let (client, mut server) = pair()?;
    server.set_read_timeout(Some(TIMEOUT))?;
    let start = Instant::now();
    let dripping = thread::spawn(move || drip(client, drops));
    let mut bytes = 0;
    let ended = loop {
        if deadline {
            // 0 would mean no limit, so the minimum is a millisecond.
            let rest = TIMEOUT.saturating_sub(start.elapsed());
            let rest = rest.max(Duration::from_millis(1));
            server.set_read_timeout(Some(rest))?;
        }
        match server.read(&mut [0]) {
            Ok(0) => break "client".to_owned(),
            Ok(count) => bytes += count,
            Err(error) => break name(&error),
        }
    };
    let kept = start.elapsed();
    drop(server);
    let (late, _client) = dripping.join().map_err(|_| "a thread panicked")?;
    let bytes = match bytes {
        0 => "none",
        _ if bytes < drops => "some",
        _ => "all",
    };
    let kept = match kept.as_secs_f32() / TIMEOUT.as_secs_f32() {
        0.0..0.9 => "under 1 s",
        0.9..3.0 => "about 1 s",
        _ => "over 3 s",
    };
    Ok((!late).then(|| [bytes.to_owned(), ended, kept.to_owned()]))
}

/// Sends byte by byte. Returns whether a byte was late, and a silent client, to
/// keep it open.
fn drip(mut client: TcpStream, drops: usize) -> (bool, Option<TcpStream>) {
    let mut late = false;
    for _ in 0..drops {
        let start = Instant::now();
        thread::sleep(DRIP);
        late |= start.elapsed() > TIMEOUT / 2;
        if client.write_all(b"x").is_err() {
            break;
        }
    }
    (late, (drops == 0).then_some(client))
}
