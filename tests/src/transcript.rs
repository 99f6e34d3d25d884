//! The transcript: who said what, as text that is the same on every run.
//!
//! What the client sends stands as the script has it; what the server sends
//! is cut into answers, made visible, and masked where it must vary (Date,
//! ports). A long body is its length and a hash.

use crate::wire::Answer;
use crate::wire::escape::visible_lines;

/// Bodies up to this many bytes are shown in full.
const SHORT: usize = 512;

/// Runs of equal answers longer than this are shown as one, and a count.
const FEW: usize = 3;

/// A transcript in the making.
#[derive(Debug, Default)]
pub struct Transcript {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    lines: Vec<String>,
    is_answer: bool,
}

impl Transcript {
    /// A line that the client sent, as the script writes it.
    pub fn sent(&mut self, connection: &str, text: &str) {
        self.push(vec![format!("{connection}> {text}")], false);
    }

    /// Something the client did: `[half-close]`.
    pub fn did(&mut self, connection: &str, what: &str) {
        self.sent(connection, &format!("[{what}]"));
    }

    /// Something the server did: `[closed]`.
    pub fn saw(&mut self, connection: &str, what: &str) {
        self.push(vec![format!("{connection}< [{what}]")], false);
    }

    /// One answer, interim or final.
    pub fn answer(&mut self, connection: &str, answer: &Answer) {
        let mut lines = mask_head(answer);
        lines.extend(body_lines(answer));
        let prefix = |line| format!("{connection}< {line}");
        self.push(lines.into_iter().map(prefix).collect(), true);
    }

    /// Bytes that are not, or not yet, an answer.
    pub fn raw(&mut self, connection: &str, bytes: &[u8]) {
        let mut lines = Vec::new();
        for line in visible_lines(&bytes[..bytes.len().min(SHORT)]) {
            lines.push(format!("{connection}< {line}"));
        }
        if bytes.len() > SHORT {
            let more = bytes.len() - SHORT;
            lines.push(format!("{connection}< [and {more} bytes more]"));
        }
        self.push(lines, false);
    }

    fn push(&mut self, lines: Vec<String>, is_answer: bool) {
        self.entries.push(Entry { lines, is_answer });
    }

    /// The text, one line for each line on the wire.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines: Vec<String> = Vec::new();
        let same = |a: &Entry, b: &Entry| {
            a.is_answer && b.is_answer && a.lines == b.lines
        };
        for run in self.entries.chunk_by(same) {
            let Some(first) = run.first() else { continue };
            let shown = if run.len() > FEW { 1 } else { run.len() };
            for entry in &run[..shown] {
                lines.extend(entry.lines.iter().cloned());
            }
            if shown < run.len() {
                let line = first.lines.first().map_or("", String::as_str);
                let connection = line.split('<').next().unwrap_or("");
                let times = run.len() - 1;
                lines.push(format!(
                    "{connection}< [the same answer {times} times more]"
                ));
            }
        }
        lines.join("\n")
    }
}

/// The lines of a head with what varies from run to run masked.
fn mask_head(answer: &Answer) -> Vec<String> {
    let date = answer.field("Date").unwrap_or("");
    visible_lines(&answer.head)
        .into_iter()
        .map(|line| {
            let Some((name, value)) = line.split_once(": ") else {
                return line;
            };
            let value = value.trim_end_matches("\\r\\n");
            let now = match name.to_ascii_lowercase().as_str() {
                "date" => httpdate::parse_http_date(value).is_ok(),
                // RFC 9110 section 8.8.2.1: never later than the Date.
                "last-modified" => near(value, date),
                "location" => return mask_port(&line),
                _ => false,
            };
            if now { format!("{name}: [date]\\r\\n") } else { line }
        })
        .collect()
}

/// Whether two dates are the same but for the time it took to send them.
fn near(one: &str, other: &str) -> bool {
    let parse = httpdate::parse_http_date;
    let (Ok(one), Ok(other)) = (parse(one), parse(other)) else {
        return false;
    };
    let apart = one.duration_since(other).or(other.duration_since(one));
    apart.is_ok_and(|apart| apart.as_secs() < 5)
}

fn mask_port(line: &str) -> String {
    let Some((before, after)) = line.split_once("127.0.0.1:") else {
        return line.to_owned();
    };
    let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
    format!("{before}127.0.0.1:[port]{after}")
}

fn body_lines(answer: &Answer) -> Vec<String> {
    let body = &answer.body;
    let mut lines = Vec::new();
    if answer.chunked {
        lines.push("[chunked]".to_owned());
    }
    if body.len() <= SHORT {
        lines.extend(visible_lines(body));
    } else {
        let hash = fnv1a(body);
        lines.push(format!("[{} bytes, fnv1a {hash:016x}]", body.len()));
    }
    if answer.missing > 0 {
        let (came, all) = (body.len(), body.len() + answer.missing);
        lines.push(format!("[cut short: {came} of {all} bytes]"));
    }
    lines
}

/// The 64-bit FNV-1a hash: a few lines, and good enough to tell bodies apart.
#[must_use]
pub fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
