//! Range requests (RFC 9110, section 14).

use std::ops::Range;

use super::fields::{decimal, trim};
use super::{Method, Representation, Request, conditional};

/// The part of a file that a request selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// All of it: 200.
    Whole,
    /// These bytes: 206.
    Part(Range<u64>),
    /// None of its bytes: 416.
    Unsatisfiable,
}

/// The part that `request` selects. A Range field that is malformed, repeated,
/// or asks for several parts is ignored, as RFC 9110, section 14.2 allows; only
/// GET has ranges. `now` is in seconds since 1970.
#[must_use]
pub fn select(request: &Request, file: &Representation, now: u64) -> Selection {
    if request.method != Method::Get {
        return Selection::Whole;
    }
    let wanted = request.single("range").and_then(|v| parse(v, file.length()));
    match wanted {
        Some(selection)
            if conditional::range_is_current(request, file, now) =>
        {
            selection
        }
        _ => Selection::Whole,
    }
}

/// Reads `bytes=FIRST-LAST`, `bytes=FIRST-` or `bytes=-SUFFIX` for a file of
/// `length` bytes. `None` for anything else.
fn parse(value: &[u8], length: u64) -> Option<Selection> {
    let (unit, spec) = split_once(value, b'=')?;
    if !unit.eq_ignore_ascii_case(b"bytes") {
        return None;
    }
    let (first, last) = split_once(trim(spec), b'-')?;
    if first.is_empty() {
        return Some(suffix(number(last)?, length));
    }
    let first = number(first)?;
    let last = if last.is_empty() { u64::MAX } else { number(last)? };
    if last < first {
        return None;
    }
    if first >= length {
        return Some(Selection::Unsatisfiable);
    }
    Some(Selection::Part(first..last.saturating_add(1).min(length)))
}

/// The last `count` bytes. Asking for the last bytes of an empty file is valid,
/// so we send all of it, which is nothing.
fn suffix(count: u64, length: u64) -> Selection {
    match (count, length) {
        (0, _) => Selection::Unsatisfiable,
        (_, 0) => Selection::Whole,
        _ => Selection::Part(length.saturating_sub(count)..length),
    }
}

/// A number of digits. If it exceeds 64 bits, it lies beyond the end of every
/// file, and so does the largest number that fits.
fn number(digits: &[u8]) -> Option<u64> {
    let valid = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    valid.then(|| decimal(digits).unwrap_or(u64::MAX))
}

fn split_once(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(separator, text)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}
