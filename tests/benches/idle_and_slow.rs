//! Connections that do little: idle or very slow.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use conversations::process;
use nix::sys::socket::{setsockopt, sockopt};

use crate::client::response::{Expected, Reader};
use crate::site::SMALL;
use crate::{cpu, server::Server};

/// The state of an idle connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idle {
    /// Nothing sent.
    Silent,
    /// One response received; idle keep-alive.
    Responded,
    /// Half a request sent.
    HalfHead,
}

const REQUEST: &[u8] = b"GET /small.bin HTTP/1.1\r\nHost: idle\r\n\r\n";

/// How long the connections may take to be accepted, and a response to arrive.
const CEILING: Duration = Duration::from_secs(30);

/// Opens connections and brings them to this state. Returns when the server has
/// accepted all of them, has sent its responses, and is idle.
///
/// # Errors
/// If one of them gets no correct response.
pub fn gather(
    server: &Server,
    count: usize,
    idle: Idle,
) -> Result<Vec<TcpStream>, String> {
    let mut idle_and_slow = Vec::with_capacity(count);
    for at in 0..count {
        let mut stream = open(server.address)
            .map_err(|e| format!("idle connection {at} of {count}: {e}"))?;
        let sent = match idle {
            Idle::Silent => Ok(()),
            Idle::Responded => stream.write_all(REQUEST),
            Idle::HalfHead => stream.write_all(&REQUEST[..REQUEST.len() / 2]),
        };
        sent.map_err(|e| e.to_string())?;
        idle_and_slow.push(stream);
    }
    if idle == Idle::Responded {
        let mut expected = Expected::new(SMALL);
        for stream in &mut idle_and_slow {
            take_response(stream, &mut expected)?;
        }
    }
    process::until("all idle connections to be accepted", CEILING, || {
        let open = |pid| process::descriptors(pid).unwrap_or(0);
        cpu::family(server.pid()).into_iter().map(open).sum::<usize>() >= count
    })?;
    cpu::time_at_rest(server.pid())?;
    Ok(idle_and_slow)
}

/// A connection that ends with a reset, so that thousands of them leave no
/// `TIME_WAIT` behind.
fn open(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    let at_once = libc::linger { l_onoff: 1, l_linger: 0 };
    setsockopt(&stream, sockopt::Linger, &at_once)?;
    stream.set_read_timeout(Some(CEILING))?;
    Ok(stream)
}

fn take_response(
    stream: &mut TcpStream,
    expected: &mut Expected,
) -> Result<(), String> {
    let mut reader = Reader::default();
    let mut bytes = [0; 4096];
    loop {
        let got = stream.read(&mut bytes).map_err(|e| e.to_string())?;
        if got == 0 {
            return Err("it closed an idle connection".into());
        }
        if reader.take(&bytes[..got], expected)? > 0 {
            return Ok(());
        }
    }
}

/// Slow clients, run by a thread until they are stopped.
#[derive(Debug)]
pub struct Slow {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Result<(), String>>,
}

/// Pause of a slow client before its next byte or its next read.
const BEAT: Duration = Duration::from_millis(10);

impl Slow {
    /// Half of them send an endless head byte by byte; half read a large file
    /// 16 KiB at a time.
    ///
    /// # Errors
    /// If they can't connect.
    pub fn begin(address: SocketAddr, count: usize) -> Result<Self, String> {
        let mut streams = Vec::new();
        for at in 0..count {
            let begin: &[u8] = match at % 2 {
                0 => b"GET /small.bin HTTP/1.1\r\nHost: slow\r\nX-Slow: ",
                _ => b"GET /large.bin HTTP/1.1\r\nHost: slow\r\n\r\n",
            };
            let mut stream = open(address).map_err(|e| e.to_string())?;
            stream.write_all(begin).map_err(|e| e.to_string())?;
            streams.push(stream);
        }
        let over = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&over);
        let thread = std::thread::spawn(move || go_slowly(streams, &stop));
        Ok(Self { over, thread })
    }

    /// Stops them.
    ///
    /// # Errors
    /// If the server closed one of them.
    pub fn dismiss(self) -> Result<(), String> {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| "the slow clients failed")?
    }
}

fn go_slowly(
    mut streams: Vec<TcpStream>,
    over: &AtomicBool,
) -> Result<(), String> {
    let mut bytes = [0; 16 * 1024];
    while !over.load(Ordering::Relaxed) {
        for (at, stream) in streams.iter_mut().enumerate() {
            let done = match at % 2 {
                0 => stream.write(b"x"),
                _ => stream.read(&mut bytes),
            };
            if !done.as_ref().is_ok_and(|count| *count > 0) {
                return Err(format!("it disconnected a slow client: {done:?}"));
            }
        }
        std::thread::sleep(BEAT);
    }
    Ok(())
}
