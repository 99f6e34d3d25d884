//! Fast clients with much to move, beside one with little.

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

/// How much each of the large transfers moves while the small requests are
/// counted: 64 MiB, and up to four times that on a machine that has little time
/// for us.
const LARGE: usize = BIG;
const LARGEST: usize = 4 * BIG;

/// How many small requests must be answered in that time. A server with a
/// budget per connection answers hundreds, one that sends a whole file first
/// answers one per file.
const SMALL: usize = 10;

/// One upload: a request with 1 MiB of content, which comes back.
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
            "While a fast client downloads 64 MiB again and again, small \
             requests of\n\
             another client get their responses.",
            |stage| beside(stage, &[download]),
        ),
        from_2(
            "fairness::beside_an_upload",
            "While a fast client uploads 64 MiB again and again, small \
             requests of\n\
             another client get their responses.",
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

/// A transfer that goes on until it is told to stop, on threads of its own.
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
    // Nothing is counted before all of them are under way.
    wait_for(&transfers, 1, stage)?;
    let mut answered = 0;
    let deadline = Instant::now() + 6 * stage.ceiling;
    let moved = |least| transfers.iter().all(|it| it.received() >= least);
    while !moved(LARGE) || (answered < SMALL && !moved(LARGEST)) {
        let answer = client
            .ask(b"GET /hello.txt HTTP/1.1\r\nHost: fair\r\n\r\n")
            .map_err(|why| format!("small request {answered}: {why}"))?;
        if answer.status != 200 || answer.body != HELLO {
            let status = answer.status;
            return Err(format!("a small request got {status}").into());
        }
        answered += 1;
        for transfer in &transfers {
            let what = transfer.what;
            if let Some(why) = transfer.complaint() {
                return Err(format!("the {what}: {why}").into());
            }
            if transfer.is_over() {
                return Err(format!("the {what} broke off").into());
            }
            if Instant::now() > deadline {
                let count = transfer.received();
                return Err(format!(
                    "the {what} has moved {count} bytes in {} s",
                    6 * stage.ceiling.as_secs()
                )
                .into());
            }
        }
    }
    drop(transfers);
    if answered < SMALL {
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

/// Asks for `big.bin` again and again, and takes it as fast as it comes.
fn download(server: &Server) -> Result<Transfer, String> {
    let request = b"GET /big.bin HTTP/1.1\r\nHost: fair\r\n\r\n".to_vec();
    Transfer::start("download", server, request)
}

/// Sends a mebibyte again and again, and takes what comes back.
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
            // The server takes only so many requests before their answers are
            // read, so this waits most of the time.
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

/// Reads one response after the other, and counts the bytes of their bodies:
/// only they are what the transfer moves.
#[derive(Default)]
struct Bodies {
    head: Vec<u8>,
    left: usize,
    /// Its end cannot be told from its length, so all that follows counts.
    endless: bool,
}

impl Bodies {
    fn count(&mut self, mut bytes: &[u8]) -> Result<usize, String> {
        let mut count = 0;
        while !bytes.is_empty() {
            if self.left > 0 || self.endless {
                let most = if self.endless { usize::MAX } else { self.left };
                let (body, rest) = bytes.split_at(most.min(bytes.len()));
                self.left = self.left.saturating_sub(body.len());
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
                return Err(format!("the answer was `{status}`"));
            }
            let length = lines.find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let is_length = name.eq_ignore_ascii_case("content-length");
                is_length.then(|| value.trim().parse().ok())?
            });
            self.endless = length.is_none();
            self.left = length.unwrap_or(0);
        }
        Ok(count)
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Both threads' calls end with this.
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
