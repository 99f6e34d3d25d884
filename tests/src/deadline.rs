//! Deadlines that no script can show: of answers that nobody takes, and of
//! ends that nobody makes.

use std::io::Read as _;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::fixtures::{self, BIG};
use crate::large;
use crate::number::Number;
use crate::process;
use crate::server::Server;
use crate::stage::{Case, Outcome, PASSED, Stage};
use crate::wire::client::End;

const BIG_FILE: &[u8] = b"GET /big.bin HTTP/1.1\r\nHost: slow\r\n\
                          Connection: close\r\n\r\n";

/// How much a slow client reads at a time, and how long it then rests: 160
/// KiB a second.
const SIP: usize = 16 << 10;
const REST: Duration = Duration::from_millis(100);

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    let case = |name, promise, run| Case {
        name,
        promise,
        from: Number::step(5, 4),
        until: Number::EVER,
        any_server: false,
        run,
    };
    vec![
        case(
            "deadline::response_not_read",
            "A client requests 64 MiB and reads nothing. After \
             --write-timeout seconds\n\
             the connection is closed, and not as if the response were \
             complete.",
            response_not_read,
        ),
        case(
            "deadline::response_read_too_slowly",
            "A client reads its response without a pause, but more slowly \
             than\n\
             --min-rate. After the time-out the connection is aborted.",
            response_read_too_slowly,
        ),
        case(
            "deadline::response_read_slowly",
            "A client reads its response slowly, but fast enough. The \
             kernel's buffer is\n\
             so large that the server has nothing to send for several \
             time-outs:\n\
             acknowledged bytes count as progress, and the client gets every \
             byte.",
            response_read_slowly,
        ),
        case(
            "deadline::never_closes",
            "After the server has sent its FIN, the client neither closes nor \
             stops\n\
             sending. The server reads from it for two seconds and no longer.",
            never_closes,
        ),
    ]
}

/// A client with a small window has asked for `big.bin`.
fn ask(server: &Server, ceiling: Duration) -> Result<TcpStream, String> {
    let told = |error: std::io::Error| error.to_string();
    let mut stream = large::connect_with_small_buffer(server)?;
    stream.set_read_timeout(Some(ceiling)).map_err(told)?;
    std::io::Write::write_all(&mut stream, BIG_FILE).map_err(told)?;
    Ok(stream)
}

/// Reads to the end, however it comes, and returns how much there was.
fn rest(stream: &mut TcpStream) -> Result<usize, String> {
    let mut buffer = vec![0; 64 << 10];
    let mut count = 0;
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(count),
            Ok(more) => count += more,
            Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => {
                return Ok(count);
            }
            Err(error) => return Err(format!("after {count}: {error}")),
        }
    }
}

/// Reads slowly for `time`, or to the end; says whether the end came.
fn sip(stream: &mut TcpStream, time: Duration) -> (usize, bool) {
    let start = Instant::now();
    let mut buffer = vec![0; SIP];
    let mut count = 0;
    while start.elapsed() < time {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return (count, true),
            Ok(more) => count += more,
        }
        thread::sleep(REST);
    }
    (count, false)
}

fn response_not_read(stage: &Stage) -> Outcome {
    fixtures::site().big()?;
    let mut server = stage.start_plain(&["--write-timeout", "1"])?;
    let pid = server.pid();
    process::until_asleep(pid, stage.ceiling)?;
    let alone = process::descriptors(pid)?;
    let mut stream = ask(&server, stage.ceiling)?;
    // The first byte is there: the server has a descriptor more.
    stream.peek(&mut [0])?;
    process::until_descriptors(pid, alone, stage.ceiling)?;
    let came = rest(&mut stream)?;
    if came >= BIG {
        return Err("all of it came: nothing was to be waited for".into());
    }
    server.check_alive()?;
    Ok(PASSED)
}

fn response_read_too_slowly(stage: &Stage) -> Outcome {
    fixtures::site().big()?;
    let flags = ["--write-timeout", "2", "--min-rate", "10000000"];
    let mut server = stage.start_plain(&flags)?;
    let mut stream = ask(&server, stage.ceiling)?;
    let (came, ended) = sip(&mut stream, stage.ceiling);
    if !ended || came >= BIG {
        let seconds = stage.ceiling.as_secs();
        return Err(format!(
            "a client that took {came} bytes in {seconds} s is still there"
        )
        .into());
    }
    server.check_alive()?;
    Ok(PASSED)
}

fn response_read_slowly(stage: &Stage) -> Outcome {
    fixtures::site().big()?;
    let flags = ["--write-timeout", "3", "--min-rate", "1024"];
    let mut server = stage.start_plain(&flags)?;
    let mut stream = ask(&server, stage.ceiling)?;
    let (sipped, ended) = sip(&mut stream, Duration::from_secs(9));
    let came = sipped + rest(&mut stream)?;
    if ended || came < BIG {
        return Err(format!("cut off after {came} bytes").into());
    }
    server.check_alive()?;
    Ok(PASSED)
}

fn never_closes(stage: &Stage) -> Outcome {
    let mut server = stage.start_plain(&[])?;
    let pid = server.pid();
    process::until_asleep(pid, stage.ceiling)?;
    let alone = process::descriptors(pid)?;
    let mut silent = server.connect()?;
    let mut talking = server.connect()?;
    for client in [&mut silent, &mut talking] {
        let last = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        client.ask(last)?;
        client.wait_for_end()?;
        if client.end != End::Closed {
            return Err("the end of the answer was a reset".into());
        }
    }
    let mut open = process::descriptors(pid)?;
    let start = Instant::now();
    while open > alone && start.elapsed() < stage.ceiling {
        talking.send(b"x")?;
        thread::sleep(Duration::from_millis(50));
        open = process::descriptors(pid)?;
    }
    if open > alone {
        let left = open - alone;
        return Err(format!("{left} of 2 are still being read from").into());
    }
    server.check_alive()?;
    Ok(PASSED)
}
