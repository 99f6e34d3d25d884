//! The access log: one line per request, in the Common Log Format.
//!
//! A log must not be able to stop the server. When standard output takes no
//! more, because its reader is stuck or the disk is full, lines wait in memory
//! up to a limit. Beyond it they are lost, whole ones only, and counted.

use std::io::{self, Write};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use nix::errno::Errno;

use crate::stdio;

/// How many bytes of lines a thread gathers before it writes them.
const MAX_BUFFERED: usize = 64 * 1024;

/// How many bytes of lines wait in memory while they cannot be written.
const MAX_PENDING: usize = 1024 * 1024;

/// How much of a request line is logged, in bytes after escaping, so that a
/// line always fits in one `write` to a pipe.
const MAX_REQUEST: usize = stdio::ATOMIC - 256;

/// Lines on their way to standard output, of which a process has only one.
static PENDING: Mutex<Pending> =
    Mutex::new(Pending { lines: Vec::new(), lost: 0 });

/// The access log of one thread.
///
/// Lines are gathered and written when the thread is about to sleep, or when
/// there are many: under load that is one `write(2)` for dozens of requests,
/// and an idle server has written every line.
pub struct AccessLog {
    enabled: bool,
    lines: Vec<u8>,
}

/// What cannot be written yet. It may begin in the middle of a line, of which a
/// full disk took the first part; the rest then goes out before anything else.
struct Pending {
    lines: Vec<u8>,
    lost: usize,
}

/// The contents of a line.
pub struct Entry<'a> {
    /// The client's address.
    pub client: IpAddr,
    /// When the response began, in the format of `Clock::log`.
    pub time: &'a str,
    /// The request line as received.
    pub request: &'a [u8],
    /// The three digits of the status.
    pub status: &'a str,
    /// Bytes of the response body handed to the kernel.
    pub bytes: u64,
    /// When the response began, for the duration in the line.
    pub started: Instant,
}

impl AccessLog {
    /// A log that writes to standard output, or nowhere.
    #[must_use]
    pub fn new(enabled: bool) -> Self {
        Self { enabled, lines: Vec::new() }
    }

    /// Adds a line: the seven fields of the Common Log Format, which existing
    /// tools can read, and then the duration in seconds.
    pub fn record(&mut self, entry: &Entry) {
        if !self.enabled {
            return;
        }
        let out = &mut self.lines;
        let mut digits = itoa::Buffer::new();
        client(out, entry.client);
        out.extend_from_slice(b" - - [");
        out.extend_from_slice(entry.time.as_bytes());
        out.extend_from_slice(b"] \"");
        escape(out, entry.request);
        out.extend_from_slice(b"\" ");
        out.extend_from_slice(entry.status.as_bytes());
        out.push(b' ');
        out.extend_from_slice(digits.format(entry.bytes).as_bytes());
        out.push(b' ');
        let duration = entry.started.elapsed();
        out.extend_from_slice(digits.format(duration.as_secs()).as_bytes());
        out.push(b'.');
        // Adding a million keeps the leading zeros; its own digit is cut off.
        let micros = 1_000_000 + duration.subsec_micros();
        let micros = digits.format(micros).as_bytes();
        out.extend_from_slice(micros.get(1..).unwrap_or_default());
        out.push(b'\n');
        if self.lines.len() >= MAX_BUFFERED {
            self.flush();
        }
    }

    /// Writes the lines gathered so far, as far as that is possible without
    /// blocking. Called before the thread may sleep.
    pub fn flush(&mut self) {
        if self.lines.is_empty() {
            return;
        }
        let mut pending = lock_pending();
        pending.add(&self.lines);
        if let Err(error) = pending.write() {
            log::info!("the access log ends: {error}");
            self.enabled = false;
        }
        self.lines.clear();
        self.lines.shrink_to(MAX_BUFFERED);
    }
}

impl Drop for AccessLog {
    /// Writes what can still be written, and reports the rest as lost.
    fn drop(&mut self) {
        self.flush();
        lock_pending().give_up();
    }
}

fn lock_pending() -> MutexGuard<'static, Pending> {
    PENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pending {
    fn add(&mut self, lines: &[u8]) {
        if self.lines.len() + lines.len() <= MAX_PENDING {
            return self.lines.extend_from_slice(lines);
        }
        if self.lost == 0 {
            log::warn!("the access log cannot be written, and loses lines");
        }
        self.lost += count_lines(lines);
    }

    /// Writes as many lines as possible. Most errors pass: a reader catches up,
    /// somebody makes space on the disk. So the next call tries again.
    ///
    /// # Errors
    /// EPIPE: the reader is gone, and with it the log.
    fn write(&mut self) -> nix::Result<()> {
        while !self.lines.is_empty() {
            match stdio::write_lines(io::stdout(), &self.lines) {
                Ok(count) => drop(self.lines.drain(..count)),
                Err(Errno::EINTR) => {}
                Err(Errno::EPIPE) => {
                    self.lines = Vec::new();
                    return Err(Errno::EPIPE);
                }
                Err(_) => return Ok(()),
            }
        }
        self.lines.shrink_to(MAX_BUFFERED);
        self.report_lost();
        Ok(())
    }

    fn give_up(&mut self) {
        self.lost += count_lines(&self.lines);
        self.lines.clear();
        self.report_lost();
    }

    fn report_lost(&mut self) {
        if self.lost > 0 {
            log::warn!("access log: {} lines lost", self.lost);
            self.lost = 0;
        }
    }
}

fn count_lines(text: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', text).count()
}

fn client(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(address) => {
            let mut digits = itoa::Buffer::new();
            for (place, part) in address.octets().into_iter().enumerate() {
                if place > 0 {
                    out.push(b'.');
                }
                out.extend_from_slice(digits.format(part).as_bytes());
            }
        }
        // Writing into a Vec cannot fail.
        IpAddr::V6(address) => drop(write!(out, "{address}")),
    }
}

/// Appends a client's bytes in a form that cannot end the line or the quotes,
/// or control the terminal that shows them. A long request is cut.
fn escape(out: &mut Vec<u8>, text: &[u8]) {
    let end = out.len() + MAX_REQUEST;
    for &byte in text {
        if out.len() >= end {
            out.extend_from_slice(b"...");
            break;
        }
        match byte {
            b'"' | b'\\' | 0..=0x1f | 0x7f.. => {
                // Writing into a Vec cannot fail.
                let _ = write!(out, "\\x{byte:02X}");
            }
            _ => out.push(byte),
        }
    }
}
