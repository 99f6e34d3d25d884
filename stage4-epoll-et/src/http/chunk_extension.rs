//! Chunk extensions (RFC 9112, section 7.1.1).

use super::fields::{is_token_byte, is_value_byte};

/// Whether `text`, which is all that follows a chunk's size on its line, is
/// zero or more chunk extensions.
///
/// We use no extension, but a malformed one must not pass: a proxy that reads
/// it differently may see the line, and so the chunk, end elsewhere.
#[must_use]
pub fn are_valid(mut text: &[u8]) -> bool {
    while !text.is_empty() {
        match after_extension(text) {
            Some(rest) => text = rest,
            None => return false,
        }
    }
    true
}

/// What follows the extension at the start of `text`: a semicolon, a name, and
/// perhaps a value. Blanks may surround `;` and `=`, and nothing else.
fn after_extension(text: &[u8]) -> Option<&[u8]> {
    let name = after_blanks(text).strip_prefix(b";")?;
    let rest = after_token(after_blanks(name))?;
    let Some(value) = after_blanks(rest).strip_prefix(b"=") else {
        return Some(rest);
    };
    let value = after_blanks(value);
    match value.strip_prefix(b"\"") {
        Some(quoted) => after_quoted(quoted),
        None => after_token(value),
    }
}

fn after_blanks(text: &[u8]) -> &[u8] {
    let blank = |byte: &&u8| matches!(byte, b' ' | b'\t');
    let end = text.iter().take_while(blank).count();
    text.get(end..).unwrap_or_default()
}

fn after_token(text: &[u8]) -> Option<&[u8]> {
    let end = text.iter().take_while(|&&byte| is_token_byte(byte)).count();
    text.get(end..).filter(|_| end > 0)
}

/// What follows the closing quote. A backslash escapes the next byte, even a
/// quote (RFC 9110, section 5.6.4).
fn after_quoted(mut text: &[u8]) -> Option<&[u8]> {
    loop {
        let (&byte, rest) = text.split_first()?;
        text = match byte {
            b'"' => return Some(rest),
            b'\\' => rest.split_first().filter(|(b, _)| is_value_byte(**b))?.1,
            _ if is_value_byte(byte) => rest,
            _ => return None,
        };
    }
}
