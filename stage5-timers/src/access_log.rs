//! One line a request, in the Common Log Format.

use std::io::Write;
use std::net::IpAddr;
use std::time::Instant;

/// How many bytes of lines are held back at most.
const MAX_BUFFERED: usize = 64 * 1024;

/// The access log of one thread.
///
/// Lines are gathered and written when the thread is about to sleep, or when
/// many have come together: under load that is one `write(2)` for dozens of
/// requests, and when it is quiet every line is out before the server rests.
pub struct AccessLog {
    enabled: bool,
    lines: Vec<u8>,
}

/// What a line says.
pub struct Entry<'a> {
    /// The client's address.
    pub client: IpAddr,
    /// When the request was answered, as `Clock::log` has it.
    pub time: &'a str,
    /// The request line as it came.
    pub request: &'a [u8],
    /// The three digits of the status.
    pub status: &'a str,
    /// Bytes of content handed to the kernel.
    pub bytes: u64,
    /// When its answer began; the line says how long it took until now.
    pub started: Instant,
}

impl AccessLog {
    /// A log that writes to standard output, or nowhere.
    #[must_use]
    pub fn new(enabled: bool) -> Self {
        Self { enabled, lines: Vec::new() }
    }

    /// Adds a line: the seven fields of the Common Log Format, so that
    /// existing tools can read it, and then the duration in seconds.
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
        // A million more gives the zeros in front; its own digit is cut off.
        let micros = 1_000_000 + duration.subsec_micros();
        let micros = digits.format(micros).as_bytes();
        out.extend_from_slice(micros.get(1..).unwrap_or_default());
        out.push(b'\n');
        if self.lines.len() >= MAX_BUFFERED {
            self.flush();
        }
    }

    /// Writes what is held back, in whole lines even if several threads
    /// write at once. To be called before the thread may sleep.
    pub fn flush(&mut self) {
        if self.lines.is_empty() {
            return;
        }
        // Whoever reads the log may have gone. That is no reason to stop
        // serving, but there is nobody to write for any more.
        if let Err(error) = std::io::stdout().lock().write_all(&self.lines) {
            log::warn!("the access log ends here: {error}");
            self.enabled = false;
        }
        self.lines.clear();
        self.lines.shrink_to(MAX_BUFFERED);
    }
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

/// Appends what a client sent, so that it can neither end the line, nor the
/// quotes, nor speak to the terminal that shows it.
fn escape(out: &mut Vec<u8>, text: &[u8]) {
    for &byte in text {
        match byte {
            b'"' | b'\\' | 0..=0x1f | 0x7f.. => {
                // Writing into a Vec cannot fail.
                let _ = write!(out, "\\x{byte:02X}");
            }
            _ => out.push(byte),
        }
    }
}
