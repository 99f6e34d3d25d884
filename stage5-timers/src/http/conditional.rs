//! Conditional requests (RFC 9110, section 13).

use std::time::{SystemTime, UNIX_EPOCH};

use super::fields::trim;
use super::{Method, Representation, Request};

/// The outcome of a request's preconditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Respond as if there were none.
    Proceed,
    /// The client's copy is current: 304.
    NotModified,
    /// The client did not expect this state: 412.
    Failed,
}

/// Evaluates the preconditions in the order of RFC 9110, section 13.2.2.
/// If-Range is evaluated later, with the range it guards. `now` is in seconds
/// since 1970. A date is ignored if the file has none to compare it with.
#[must_use]
pub fn evaluate(request: &Request, file: &Representation, now: u64) -> Verdict {
    let reading = matches!(request.method, Method::Get | Method::Head);
    match matches_any(request, "if-match", file, Comparison::Strong) {
        Some(false) => return Verdict::Failed,
        Some(true) => {}
        None => {
            let limit = date(request, "if-unmodified-since");
            match (limit, file.modified(now)) {
                (Some(limit), Some(modified)) if modified > limit => {
                    return Verdict::Failed;
                }
                _ => {}
            }
        }
    }
    match matches_any(request, "if-none-match", file, Comparison::Weak) {
        Some(true) if reading => Verdict::NotModified,
        Some(true) => Verdict::Failed,
        Some(false) => Verdict::Proceed,
        None => {
            let limit = date(request, "if-modified-since");
            match (limit, file.modified(now)) {
                (Some(limit), Some(modified))
                    if reading && modified <= limit =>
                {
                    Verdict::NotModified
                }
                _ => Verdict::Proceed,
            }
        }
    }
}

/// Whether If-Range allows the range: its validator is strong and matches the
/// file, so the client's bytes and ours belong to one version. True without the
/// field (RFC 9110, section 13.1.5).
#[must_use]
pub fn range_is_current(
    request: &Request,
    file: &Representation,
    now: u64,
) -> bool {
    let mut values = request.values("if-range");
    let (value, second) = (values.next(), values.next());
    match (value, second) {
        (None, _) => true,
        (Some(value), None) => match parse_date(value) {
            None => file.strong_tag() == Some(value),
            date => file.date_is_strong() && file.modified(now) == date,
        },
        (Some(_), Some(_)) => false,
    }
}

/// How two entity tags are compared (RFC 9110, section 8.8.3.2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    /// Byte-for-byte the same content: a weak tag never is.
    Strong,
    /// Equivalent for a reader.
    Weak,
}

/// Whether any entity tag in the fields called `name` is the file's. `*`
/// matches whatever exists. `None` without such a field.
fn matches_any(
    request: &Request,
    name: &str,
    file: &Representation,
    comparison: Comparison,
) -> Option<bool> {
    let mut found = None;
    for value in request.values(name) {
        let hit = value == b"*"
            || tags(value).any(|(weak, tag)| match comparison {
                Comparison::Strong => !weak && file.strong_tag() == Some(tag),
                Comparison::Weak => file.opaque_tag() == tag,
            });
        found = Some(found.unwrap_or(false) || hit);
    }
    found
}

/// The entity tags of a list, each with whether it is weak. A tag may contain a
/// comma, so we cannot split the list at commas. Stops at the first thing that
/// is not an entity tag.
fn tags(mut rest: &[u8]) -> impl Iterator<Item = (bool, &[u8])> {
    std::iter::from_fn(move || {
        rest = trim(rest);
        while let Some(after) = rest.strip_prefix(b",") {
            rest = trim(after);
        }
        let bare = rest.strip_prefix(b"W/");
        let (weak, text) = (bare.is_some(), bare.unwrap_or(rest));
        let inside = text.strip_prefix(b"\"")?;
        let end = memchr::memchr(b'"', inside)?;
        let (tag, after) = text.split_at(end + 2);
        let after = trim(after);
        if !after.is_empty() && !after.starts_with(b",") {
            return None;
        }
        rest = after;
        Some((weak, tag))
    })
}

/// The date in a field that must occur once.
fn date(request: &Request, name: &str) -> Option<SystemTime> {
    request.single(name).and_then(parse_date)
}

/// Reads a date in any of the three formats (RFC 9110, section 5.6.7).
///
/// httpdate rejects years before 1970, but such a date is valid. The calendar
/// repeats after 400 years, so we check it in a later year. No file here is
/// dated before 1970, so the date then counts as 1970.
fn parse_date(value: &[u8]) -> Option<SystemTime> {
    let text = str::from_utf8(value).ok()?;
    if let Ok(date) = httpdate::parse_http_date(text) {
        return Some(date);
    }
    let year = text.split(' ').find(|part| {
        part.len() == 4 && part.bytes().all(|byte| byte.is_ascii_digit())
    })?;
    let early = year.parse::<u16>().ok().filter(|&year| year < 1970)?;
    let later = text.replace(year, &(early % 400 + 2000).to_string());
    httpdate::parse_http_date(&later).ok().map(|_| UNIX_EPOCH)
}
