//! Bytes as visible text, and visible text as bytes.

use std::fmt::Write as _;

/// Part of a `>` line: literal bytes, or a value known only later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Literal bytes.
    Bytes(Vec<u8>),
    /// The name between braces: see [`PLACEHOLDERS`].
    Placeholder(String),
}

/// The placeholder names allowed on a `>` line.
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
/// The text names the unknown escape or placeholder.
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

/// Parses one escape after its backslash: the byte, and the length of the text.
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
            .ok_or_else(|| "\\x needs two hex digits, as in \\x0D".into()),
        Some(other) => Err(format!(
            "unknown escape \\{other}; the escapes are \\r \\n \\t \\0 \\\\ \
             \\xHH"
        )),
        None => Err("a line can't end in a single backslash".into()),
    }
}

/// Parses one placeholder after its `{`: the name, and the length of the text.
fn placeholder(rest: &str) -> Result<(String, usize), String> {
    let name = rest.split_once('}').map_or("", |(name, _)| name);
    if PLACEHOLDERS.contains(&name) {
        return Ok((name.to_owned(), name.len() + 1));
    }
    Err(format!(
        "unknown placeholder {{{name}}}; the placeholders are {{{}}}, and a \
         literal brace is \\x7B",
        PLACEHOLDERS.join("} {")
    ))
}
