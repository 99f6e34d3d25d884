//! Deadlines that a script can't express: for clients that don't read their
//! response, and for clients that don't close.

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

/// A slow client reads this much at a time and then pauses: 160 KiB/s.
const CHUNK: usize = 16 << 10;
const PAUSE: Duration = Duration::from_millis(100);

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
            "deadline::write_timeout",
            "A client requests 64 MiB and reads nothing. After --write-timeout \
             the server\naborts the connection, and the client can tell that \
             the response is\nincomplete.",
            write_timeout,
        ),
        case(
            "deadline::below_min_rate",
            "A client reads its response steadily, but more slowly than \
             --min-rate\nallows. The server disconnects it when the time-out \
             expires.",
            below_min_rate,
        ),
        case(
            "deadline::above_min_rate",
            "A client reads its response slowly, but faster than --min-rate. \
             The kernel's\nsend buffer is so large that the server sends \
             nothing for several time-outs.\nBytes that the client \
             acknowledges count as progress, so it gets the whole\nresponse.",
            above_min_rate,
        ),
        case(
            "deadline::linger_timeout",
            "The server has ended its side of the connection, and the client \
             neither\ncloses nor stops sending. The lingering close ends after \
             two seconds.",
            linger_timeout,
        ),
    ]
}

/// Requests `big.bin` on a connection with a small receive window.
fn ask(server: &Server, ceiling: Duration) -> Result<TcpStream, String> {
    let text = |error: std::io::Error| error.to_string();
    let mut stream = large::connect_with_small_buffer(server)?;
    stream.set_read_timeout(Some(ceiling)).map_err(text)?;
    std::io::Write::write_all(&mut stream, BIG_FILE).map_err(text)?;
    Ok(stream)
}

/// Reads to the end, by FIN or by RST, and returns the number of bytes.
fn read_to_end(stream: &mut TcpStream) -> Result<usize, String> {
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

/// Reads slowly for `time` or to the end. Returns the number of bytes, and
/// whether the connection ended.
fn read_slowly(stream: &mut TcpStream, time: Duration) -> (usize, bool) {
    let start = Instant::now();
    let mut buffer = vec![0; CHUNK];
    let mut count = 0;
    while start.elapsed() < time {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return (count, true),
            Ok(more) => count += more,
        }
        thread::sleep(PAUSE);
    }
    (count, false)
}

fn write_timeout(stage: &Stage) -> Outcome {
    fixtures::site().big()?;
    let mut server = stage.start_plain(&["--write-timeout", "1"])?;
    let pid = server.pid();
    process::until_asleep(pid, stage.ceiling)?;
    let baseline = process::descriptors(pid)?;
    let mut stream = ask(&server, stage.ceiling)?;
    // After the first byte we know that the server has accepted.
    stream.peek(&mut [0])?;
    process::until_descriptors(pid, baseline, stage.ceiling)?;
    let received = read_to_end(&mut stream)?;
    if received >= BIG {
        return Err(
            "the whole response arrived: the server never had to wait".into()
        );
    }
    server.check_alive()?;
    Ok(PASSED)
}

fn below_min_rate(stage: &Stage) -> Outcome {
    fixtures::site().big()?;
    let flags = ["--write-timeout", "2", "--min-rate", "10000000"];
    let mut server = stage.start_plain(&flags)?;
    let mut stream = ask(&server, stage.ceiling)?;
    let (received, ended) = read_slowly(&mut stream, stage.ceiling);
    if !ended || received >= BIG {
        let seconds = stage.ceiling.as_secs();
        return Err(format!(
            "a client that read {received} bytes in {seconds} s is still \
             connected"
        )
        .into());
    }
    server.check_alive()?;
    Ok(PASSED)
}

fn above_min_rate(stage: &Stage) -> Outcome {
    fixtures::site().big()?;
    let flags = ["--write-timeout", "3", "--min-rate", "1024"];
    let mut server = stage.start_plain(&flags)?;
    let mut stream = ask(&server, stage.ceiling)?;
    let (slowly, ended) = read_slowly(&mut stream, Duration::from_secs(9));
    let received = slowly + read_to_end(&mut stream)?;
    if ended || received < BIG {
        return Err(format!("disconnected after {received} bytes").into());
    }
    server.check_alive()?;
    Ok(PASSED)
}

fn linger_timeout(stage: &Stage) -> Outcome {
    let mut server = stage.start_plain(&[])?;
    let pid = server.pid();
    process::until_asleep(pid, stage.ceiling)?;
    let baseline = process::descriptors(pid)?;
    let mut silent = server.connect()?;
    let mut talking = server.connect()?;
    for client in [&mut silent, &mut talking] {
        let last = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        client.ask(last)?;
        client.wait_for_end()?;
        if client.end != End::Closed {
            return Err("the connection was reset after the response".into());
        }
    }
    let mut open = process::descriptors(pid)?;
    let start = Instant::now();
    while open > baseline && start.elapsed() < stage.ceiling {
        talking.send(b"x")?;
        thread::sleep(Duration::from_millis(50));
        open = process::descriptors(pid)?;
    }
    if open > baseline {
        let open_sockets = open - baseline;
        return Err(format!(
            "the server still has {open_sockets} of 2 connections open"
        )
        .into());
    }
    server.check_alive()?;
    Ok(PASSED)
}
