//! Why does a small response take 40 ms, and only from the second one on?
//!
//! Two mechanisms wait for each other. Nagle's algorithm (RFC 9293 section
//! 3.7.4) holds back a partial segment while an earlier one is unacknowledged.
//! The client's kernel delays its acknowledgement for about 40 ms, hoping for
//! data to send it with (section 3.8.6.3). On a new connection Linux
//! acknowledges at once, so the first request shows nothing.
//!
//! The server responds to each request with a head of 100 bytes and a body of
//! 100, in two writes or in other ways. A client sends five requests on each of
//! seven connections, one after the other.
//!
//! Predict first: which rows are slow? How many segments does a response take?
//! What does `TCP_NODELAY` cost, if each write becomes a segment?
//!
//! Times are medians for the first response on a connection and for the later
//! ones: `slow` is 25 ms or more, `fast` less than 15 ms. In fact the two
//! differ by a factor of hundreds.
//!
//! Then change: make the client set `TCP_QUICKACK` before each request. Make it
//! send its request in two writes. Look at the times in `tcpdump -i lo`.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::AsRawFd as _;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use conversations::lab::info::TcpInfo;
use conversations::lab::sockets::pair;
use conversations::lab::{self, Lab, Stop, Table, median, options};
use nix::libc::{IPPROTO_TCP, MSG_MORE, TCP_CORK, TCP_NODELAY};
use nix::sys::socket::{MsgFlags, send};

/// A head, and a body.
const PART: [u8; 100] = [b'x'; 100];

const CONNECTIONS: u32 = 7;

/// On each connection.
const REQUESTS: u32 = 5;

fn main() -> ExitCode {
    lab::run(experiment)
}

/// Sends a head and a body.
type Respond = fn(&mut TcpStream) -> Lab;

fn experiment() -> Lab {
    let rows: [(&str, Respond); 5] = [
        ("two writes", two_writes),
        ("two writes, TCP_NODELAY", |server| {
            options::set(server, IPPROTO_TCP, TCP_NODELAY, 1)?;
            two_writes(server)
        }),
        ("one write", |server| Ok(server.write_all(&[PART, PART].concat())?)),
        ("two sends, the first with MSG_MORE", |server| {
            // nix has no name for this flag.
            let more = MsgFlags::from_bits_retain(MSG_MORE);
            send(server.as_raw_fd(), &PART, more)?;
            Ok(server.write_all(&PART)?)
        }),
        ("two writes, TCP_CORK around them", |server| {
            options::set(server, IPPROTO_TCP, TCP_CORK, 1)?;
            two_writes(server)?;
            Ok(options::set(server, IPPROTO_TCP, TCP_CORK, 0)?)
        }),
    ];
    let mut table =
        Table::new(&["response sent by", "segments", "first", "later"]);
    for (name, respond) in rows {
        let (segments, first, later) = talk(respond)?;
        table.row(&[name, &segments, first, later]);
    }
    println!("{table}");
    Ok(())
}

fn two_writes(server: &mut TcpStream) -> Lab {
    server.write_all(&PART)?;
    Ok(server.write_all(&PART)?)
}

/// Sends requests and responses. Returns the number of segments per response,
/// and the time for the first response on a connection and for later ones.
fn talk(
    respond: Respond,
) -> Result<(String, &'static str, &'static str), Stop> {
    let (mut firsts, mut later, mut segments) = (Vec::new(), Vec::new(), 0);
    for _ in 0..CONNECTIONS {
        let (mut client, mut server) = pair()?;
        let serving = thread::spawn(move || {
            while let Ok(1..) = server.read(&mut [0; 100]) {
                respond(&mut server)?;
            }
            let info = TcpInfo::of(&server)?;
            Ok::<_, Stop>(info.data_segs_out - info.total_retrans)
        });
        for request in 0..REQUESTS {
            let start = Instant::now();
            client.write_all(b"a request")?;
            client.read_exact(&mut [0; 2 * PART.len()])?;
            let times = if request == 0 { &mut firsts } else { &mut later };
            times.push(start.elapsed());
        }
        drop(client);
        segments += serving.join().map_err(|_| "a thread panicked")??;
    }
    // On a busy machine the kernel sometimes joins two segments.
    let each = f64::from(segments) / f64::from(CONNECTIONS * REQUESTS);
    let each = each.round().to_string();
    Ok((each, word(median(firsts)), word(median(later))))
}

fn word(time: Duration) -> &'static str {
    match time.as_millis() {
        0..15 => "fast",
        15..25 => "in between",
        _ => "slow",
    }
}
