//! The transcript: both directions, as text that is the same on every run.
//!
//! What the client sends appears as in the script. What the server sends is
//! split into responses, made visible, and masked where it varies (Date, tags,
//! ports). A long body appears as its length and a hash.

use crate::wire::Response;
use crate::wire::escape::visible_lines;

/// Bodies up to this many bytes are shown in full.
const SHORT: usize = 512;

/// A longer run of equal responses is shown as one response and a count.
const FEW: usize = 3;

/// A transcript under construction.
#[derive(Debug, Default)]
pub struct Transcript {
    entries: Vec<Entry>,
    /// The entity tags so far, in order of arrival.
    tags: Vec<String>,
}

#[derive(Debug)]
struct Entry {
    lines: Vec<String>,
    is_response: bool,
}

impl Transcript {
    /// A line that the client sent, as in the script.
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

    /// One response, interim or final.
    pub fn response(&mut self, connection: &str, response: &Response) {
        let mut lines = self.mask_head(response);
        lines.extend(body_lines(response));
        let prefix = |line| format!("{connection}< {line}");
        self.push(lines.into_iter().map(prefix).collect(), true);
    }

    /// Bytes that are not, or not yet, a complete response.
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

    /// The lines of a head, with parts that vary from run to run masked.
    fn mask_head(&mut self, response: &Response) -> Vec<String> {
        let date = response.field("Date").unwrap_or("");
        let mut lines = visible_lines(&response.head);
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

    /// Replaces an entity tag by a number, the same number for the same tag: a
    /// strong tag depends on inode and time. Weak tags get the same numbers,
    /// since a server may call the tag of a new file weak.
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

    fn push(&mut self, lines: Vec<String>, is_response: bool) {
        self.entries.push(Entry { lines, is_response });
    }

    /// The text, one line per line on the wire.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines: Vec<String> = Vec::new();
        let same = |a: &Entry, b: &Entry| {
            a.is_response && b.is_response && a.lines == b.lines
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
                    "{connection}< [the same response {times} times more]"
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

fn body_lines(response: &Response) -> Vec<String> {
    let body = &response.body;
    let mut lines = Vec::new();
    if response.chunked {
        lines.push("[chunked]".to_owned());
    }
    if body.len() <= SHORT {
        lines.extend(visible_lines(body));
    } else {
        let hash = fnv1a(body);
        lines.push(format!("[{} bytes, fnv1a {hash:016x}]", body.len()));
    }
    if response.missing > 0 {
        let (received, all) = (body.len(), body.len() + response.missing);
        lines.push(format!("[cut short: {received} of {all} bytes]"));
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
