//! Small requests beside fast bulk transfers.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crate::fixtures::{self, BIG, HELLO};
use crate::number::Number;
use crate::server::Server;
use crate::stage::{Case, Outcome, PASSED, Stage};

/// Bytes that each transfer moves while we count small requests: 64 MiB, and up
/// to four times that on a busy machine.
const TRANSFER: usize = BIG;
const MAX_TRANSFER: usize = 4 * BIG;

/// The least number of small requests the server must answer in that time. A
/// server that gives each connection a budget per iteration answers hundreds.
const MIN_SMALL_REQUESTS: usize = 10;

/// One upload: a POST of 1 MiB, which /echo returns.
const MEBIBYTE: usize = 1 << 20;

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    let from_2 = |name, promise, run| Case {
        name,
        promise,
        from: Number::stage(2),
        until: Number::EVER,
        any_server: true,
        run,
    };
    vec![
        from_2(
            "fairness::beside_a_download",
            "While a fast client downloads 64 MiB, with more requests \
             pipelined, another\nclient's small requests are answered.",
            |stage| beside(stage, &[download]),
        ),
        from_2(
            "fairness::beside_an_upload",
            "While a fast client uploads 64 MiB, with more requests pipelined, \
             another\nclient's small requests are answered.",
            |stage| beside(stage, &[upload]),
        ),
        from_2(
            "fairness::beside_both",
            "Small requests get their responses beside an upload and a \
             download of 64 MiB\n\
             each.",
            |stage| beside(stage, &[upload, download]),
        ),
    ]
}

/// A transfer that continues until it is stopped, on two threads.
struct Transfer {
    what: &'static str,
    received: Arc<AtomicUsize>,
    complaint: Arc<Mutex<Option<String>>>,
    stop: Arc<AtomicBool>,
    stream: TcpStream,
    threads: Vec<JoinHandle<()>>,
}

type Start = fn(&Server) -> Result<Transfer, String>;

fn beside(stage: &Stage, starts: &[Start]) -> Outcome {
    fixtures::site().big()?;
    let mut server = stage.start(&["--quiet"])?;
    let mut client = server.connect()?;
    let transfers = starts.iter().map(|start| start(&server));
    let transfers = transfers.collect::<Result<Vec<_>, _>>()?;
    // Start counting once every transfer has begun.
    wait_for(&transfers, 1, stage)?;
    let mut answered = 0;
    let deadline = Instant::now() + 6 * stage.ceiling;
    let moved = |least| transfers.iter().all(|it| it.received() >= least);
    while !moved(TRANSFER)
        || (answered < MIN_SMALL_REQUESTS && !moved(MAX_TRANSFER))
    {
        let response = client
            .ask(b"GET /hello.txt HTTP/1.1\r\nHost: fair\r\n\r\n")
            .map_err(|why| format!("small request {answered}: {why}"))?;
        if response.status != 200 || response.body != HELLO {
            let status = response.status;
            return Err(format!("a small request got {status}").into());
        }
        answered += 1;
        for transfer in &transfers {
            let what = transfer.what;
            if let Some(why) = transfer.complaint() {
                return Err(format!("the {what}: {why}").into());
            }
            if transfer.is_over() {
                return Err(format!("the {what} ended early").into());
            }
            if Instant::now() > deadline {
                let count = transfer.received();
                return Err(format!(
                    "the {what} moved only {count} bytes in {} s",
                    6 * stage.ceiling.as_secs()
                )
                .into());
            }
        }
    }
    drop(transfers);
    if answered < MIN_SMALL_REQUESTS {
        return Err(format!(
            "only {answered} small requests were answered while 256 MiB moved"
        )
        .into());
    }
    server.check_alive()?;
    Ok(PASSED)
}

fn wait_for(
    transfers: &[Transfer],
    count: usize,
    stage: &Stage,
) -> Result<(), String> {
    crate::process::until("the transfers to begin", stage.ceiling, || {
        transfers.iter().all(|transfer| {
            transfer.received() >= count || transfer.complaint().is_some()
        })
    })
}

/// Requests `big.bin` repeatedly and reads as fast as possible.
fn download(server: &Server) -> Result<Transfer, String> {
    let request = b"GET /big.bin HTTP/1.1\r\nHost: fair\r\n\r\n".to_vec();
    Transfer::start("download", server, request)
}

/// Sends 1 MiB repeatedly and reads what /echo returns.
fn upload(server: &Server) -> Result<Transfer, String> {
    let head = format!(
        "POST /echo HTTP/1.1\r\nHost: fair\r\n\
         Content-Length: {MEBIBYTE}\r\n\r\n"
    );
    let mut request = head.into_bytes();
    request.resize(request.len() + MEBIBYTE, b'u');
    Transfer::start("upload", server, request)
}

impl Transfer {
    fn start(
        what: &'static str,
        server: &Server,
        request: Vec<u8>,
    ) -> Result<Self, String> {
        let open = || -> std::io::Result<Self> {
            let stream = TcpStream::connect(server.address())?;
            let (writer, reader) = (stream.try_clone()?, stream.try_clone()?);
            let mut transfer = Self {
                what,
                received: Arc::default(),
                complaint: Arc::default(),
                stop: Arc::default(),
                stream,
                threads: Vec::new(),
            };
            transfer.write(writer, request);
            transfer.read(reader);
            Ok(transfer)
        };
        open().map_err(|error| format!("{what}: {error}"))
    }

    fn write(&mut self, mut stream: TcpStream, request: Vec<u8>) {
        let stop = Arc::clone(&self.stop);
        self.threads.push(thread::spawn(move || {
            // The server stops reading while responses are pending
            // (backpressure), so this thread blocks most of the time.
            while !stop.load(Ordering::Relaxed)
                && stream.write_all(&request).is_ok()
            {}
        }));
    }

    fn read(&mut self, mut stream: TcpStream) {
        let received = Arc::clone(&self.received);
        let complaint = Arc::clone(&self.complaint);
        self.threads.push(thread::spawn(move || {
            let mut buffer = vec![0; 256 << 10];
            let mut bodies = Bodies::default();
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                match bodies.count(&buffer[..count]) {
                    Ok(body) => {
                        received.fetch_add(body, Ordering::Relaxed);
                    }
                    Err(why) => {
                        let mut complaint = complaint
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner);
                        *complaint = Some(why);
                        return;
                    }
                }
            }
        }));
    }

    fn complaint(&self) -> Option<String> {
        let complaint = self.complaint.lock();
        complaint.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn received(&self) -> usize {
        self.received.load(Ordering::Relaxed)
    }

    fn is_over(&self) -> bool {
        self.threads.iter().any(JoinHandle::is_finished)
    }
}

/// Parses the responses and counts the bytes of their bodies; only those count
/// as transferred.
#[derive(Default)]
struct Bodies {
    head: Vec<u8>,
    remaining: usize,
    /// The body has no length, so everything up to the close belongs to it.
    endless: bool,
}

impl Bodies {
    fn count(&mut self, mut bytes: &[u8]) -> Result<usize, String> {
        let mut count = 0;
        while !bytes.is_empty() {
            if self.remaining > 0 || self.endless {
                let limit =
                    if self.endless { usize::MAX } else { self.remaining };
                let (body, rest) = bytes.split_at(limit.min(bytes.len()));
                self.remaining = self.remaining.saturating_sub(body.len());
                count += body.len();
                bytes = rest;
                continue;
            }
            let before = self.head.len();
            self.head.extend_from_slice(bytes);
            let end = self.head.windows(4).position(|w| w == b"\r\n\r\n");
            let Some(end) = end else { return Ok(count) };
            bytes = &bytes[end + 4 - before..];
            self.head.truncate(end);
            let head = String::from_utf8_lossy(&self.head).into_owned();
            self.head.clear();
            let mut lines = head.lines();
            let status = lines.next().unwrap_or("");
            if status.split(' ').nth(1) != Some("200") {
                return Err(format!("expected 200, got `{status}`"));
            }
            let length = lines.find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let is_length = name.eq_ignore_ascii_case("content-length");
                is_length.then(|| value.trim().parse().ok())?
            });
            self.endless = length.is_none();
            self.remaining = length.unwrap_or(0);
        }
        Ok(count)
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Unblocks the calls of both threads.
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
