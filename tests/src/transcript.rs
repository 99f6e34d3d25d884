//! The transcript: who said what, as text that is the same on every run.
//!
//! What the client sends stands as the script has it; what the server sends
//! is cut into answers, made visible, and masked where it must vary (Date,
//! tags, ports). A long body is its length and a hash.

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
    /// The entity tags so far, in the order in which they came.
    tags: Vec<String>,
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
        let mut lines = self.mask_head(answer);
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

    /// The lines of a head with what varies from run to run masked.
    fn mask_head(&mut self, answer: &Answer) -> Vec<String> {
        let date = answer.field("Date").unwrap_or("");
        let mut lines = visible_lines(&answer.head);
        for line in &mut lines {
            let Some((name, value)) = line.split_once(": ") else { continue };
            let value = value.trim_end_matches("\\r\\n");
            let mask = match name.to_ascii_lowercase().as_str() {
                "date" if httpdate::parse_http_date(value).is_ok() => {
                    "[date]".to_owned()
                }
                // RFC 9110 section 8.8.2.1: never later than the Date.
                "last-modified" if recent(value, date) => "[date]".to_owned(),
                "etag" => self.mask_tag(value),
                "location" => mask_port(value),
                _ => continue,
            };
            *line = format!("{name}: {mask}\\r\\n");
        }
        lines
    }

    /// A number in the place of an entity tag, the same for the same one: a
    /// tag that is strong depends on inode and time. Weak ones have the
    /// numbers too, since a server may call the tag of a new file weak.
    fn mask_tag(&mut self, value: &str) -> String {
        let tag = value.strip_prefix("W/").unwrap_or(value);
        if tag.len() < 2 || !tag.starts_with('"') || !tag.ends_with('"') {
            return value.to_owned();
        }
        let known = self.tags.iter().position(|known| known == tag);
        let number = known.unwrap_or_else(|| {
            self.tags.push(tag.to_owned());
            self.tags.len() - 1
        });
        format!("\"[tag {}]\"", number + 1)
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

/// Whether a date is not after `other`, and less than an hour before it.
fn recent(date: &str, other: &str) -> bool {
    let parse = httpdate::parse_http_date;
    let (Ok(date), Ok(other)) = (parse(date), parse(other)) else {
        return false;
    };
    other.duration_since(date).is_ok_and(|age| age.as_secs() < 3600)
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
