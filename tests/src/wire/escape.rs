//! Bytes as visible text, and visible text as bytes.

use std::fmt::Write as _;

/// A stretch of a `>` line: bytes as they stand, or a value known only later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Bytes that go out as they are.
    Bytes(Vec<u8>),
    /// The name between braces: see [`PLACEHOLDERS`].
    Placeholder(String),
}

/// The names that may stand between braces on a `>` line.
pub const PLACEHOLDERS: [&str; 4] = ["etag", "last-modified", "port", "host"];

/// Every byte as printable ASCII: `\r`, `\n`, `\t`, `\0`, `\\`, else `\xHH`.
#[must_use]
pub fn visible(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 8);
    for &byte in bytes {
        match byte {
            b'\r' => text.push_str("\\r"),
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            0 => text.push_str("\\0"),
            b'\\' => text.push_str("\\\\"),
            0x20..=0x7e => text.push(char::from(byte)),
            _ => {
                let _ = write!(text, "\\x{byte:02X}");
            }
        }
    }
    text
}

/// Like [`visible`], one string for each line; a line ends after its LF.
#[must_use]
pub fn visible_lines(bytes: &[u8]) -> Vec<String> {
    bytes.split_inclusive(|&byte| byte == b'\n').map(visible).collect()
}

/// The bytes that a `>` line stands for.
///
/// # Errors
/// Says which escape or placeholder is not known.
pub fn parse(text: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        rest = &rest[first.len_utf8()..];
        match first {
            '\\' => {
                let (byte, used) = escape(rest)?;
                bytes.push(byte);
                rest = &rest[used..];
            }
            '{' => {
                let (name, used) = placeholder(rest)?;
                parts.push(Part::Bytes(std::mem::take(&mut bytes)));
                parts.push(Part::Placeholder(name));
                rest = &rest[used..];
            }
            other => {
                let mut buffer = [0; 4];
                bytes.extend(other.encode_utf8(&mut buffer).as_bytes());
            }
        }
    }
    parts.push(Part::Bytes(bytes));
    parts.retain(|part| *part != Part::Bytes(Vec::new()));
    Ok(parts)
}

/// One escape, its backslash already taken: the byte, and how much text it
/// used.
fn escape(rest: &str) -> Result<(u8, usize), String> {
    match rest.chars().next() {
        Some('r') => Ok((b'\r', 1)),
        Some('n') => Ok((b'\n', 1)),
        Some('t') => Ok((b'\t', 1)),
        Some('0') => Ok((0, 1)),
        Some('\\') => Ok((b'\\', 1)),
        Some('x') => rest
            .get(1..3)
            .filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
            .map(|byte| (byte, 3))
            .ok_or_else(|| "\\x wants two hex digits, as in \\x0D".into()),
        Some(other) => Err(format!(
            "unknown escape \\{other}; there are \\r \\n \\t \\0 \\\\ \\xHH"
        )),
        None => Err("a line can't end in a lone backslash".into()),
    }
}

/// One placeholder, its `{` already taken: the name, and the text it used.
fn placeholder(rest: &str) -> Result<(String, usize), String> {
    let name = rest.split_once('}').map_or("", |(name, _)| name);
    if PLACEHOLDERS.contains(&name) {
        return Ok((name.to_owned(), name.len() + 1));
    }
    Err(format!(
        "unknown placeholder {{{name}}}; there are {{{}}}, and a plain \
         brace is written \\x7B",
        PLACEHOLDERS.join("} {")
    ))
}
