//! The request target: what the client asks for (RFC 9112, section 3.2).

use std::borrow::Cow;

use percent_encoding::percent_decode;

use super::fields::{decimal, hex};
use super::{MAX_TARGET, Method, Status};

/// A request target in one of its four forms, checked and decoded once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target<'a> {
    /// A path, from the origin form or the absolute form.
    Path {
        /// Percent-decoded; begins with a slash; no `..` segment, no NUL.
        path: Cow<'a, [u8]>,
        /// As the client wrote it, for a redirect.
        raw: &'a [u8],
        /// The query with its question mark, or nothing; any visible ASCII.
        query: &'a [u8],
    },
    /// `*`: the server as a whole; only OPTIONS may ask for that.
    Server,
    /// `host:port`: only CONNECT may ask for that.
    Authority,
}

/// Parses the target of a request with this method.
///
/// # Errors
/// 414 if it is longer than 8 KiB, 400 if it has none of the four forms or
/// could mean different things to different recipients.
pub fn parse(method: Method, target: &[u8]) -> Result<Target<'_>, Status> {
    if target.len() > MAX_TARGET {
        return Err(Status::URI_TOO_LONG);
    }
    if !target.iter().all(u8::is_ascii_graphic) {
        return Err(Status::BAD_REQUEST);
    }
    if method == Method::Connect {
        return Ok(Target::Authority);
    }
    if target == b"*" && method == Method::Options {
        return Ok(Target::Server);
    }
    let local = if target.starts_with(b"/") {
        target
    } else {
        without_authority(target).ok_or(Status::BAD_REQUEST)?
    };
    let end = memchr::memchr(b'?', local).unwrap_or(local.len());
    let (raw, query) = local.split_at(end);
    // "http://host?query" has an empty path, which means "/" (RFC 9110, 4.2.3).
    let raw = if raw.is_empty() { b"/" } else { raw };
    Ok(Target::Path { path: decode(raw)?, raw, query })
}

/// Whether each `%` is followed by two hexadecimal digits.
fn escapes_are_whole(text: &[u8]) -> bool {
    memchr::memchr_iter(b'%', text).all(|at| is_escape(text, at))
}

/// Whether the `%` at this place is followed by two hexadecimal digits.
pub(super) fn is_escape(text: &[u8], at: usize) -> bool {
    let digits = text.get(at + 1..at + 3);
    digits.is_some_and(|two| two.iter().all(|&byte| hex(byte).is_some()))
}

/// What follows `http://authority` in an absolute form: a path, a query or
/// nothing. `None` if it is not that form.
fn without_authority(target: &[u8]) -> Option<&[u8]> {
    let colon = memchr::memchr(b':', target)?;
    let (scheme, rest) = target.split_at(colon);
    if !scheme.eq_ignore_ascii_case(b"http")
        && !scheme.eq_ignore_ascii_case(b"https")
    {
        return None;
    }
    let rest = rest.strip_prefix(b"://")?;
    let end = memchr::memchr2(b'/', b'?', rest).unwrap_or(rest.len());
    let (authority, local) = rest.split_at(end);
    is_authority(authority).then_some(local)
}

/// Whether `text` is a host with an optional port, as in Host and in an
/// absolute target. We reject user information, because it serves to mislead
/// (RFC 9110, section 4.2.4).
#[must_use]
pub fn is_authority(text: &[u8]) -> bool {
    let literal_end = match text.first() {
        Some(b'[') => memchr::memchr(b']', text).map(|at| at + 1),
        _ => Some(memchr::memchr(b':', text).unwrap_or(text.len())),
    };
    let Some((host, port)) =
        literal_end.and_then(|at| text.split_at_checked(at))
    else {
        return false;
    };
    is_host(host) && is_port(port)
}

fn is_host(host: &[u8]) -> bool {
    if let Some(rest) = host.strip_prefix(b"[") {
        let address = rest.strip_suffix(b"]").unwrap_or_default();
        return str::from_utf8(address)
            .is_ok_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok());
    }
    let reg_name =
        |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(&b);
    !host.is_empty()
        && host.iter().copied().all(reg_name)
        && escapes_are_whole(host)
}

/// Whether this is nothing, or a colon with an optional port number.
fn is_port(text: &[u8]) -> bool {
    match text.strip_prefix(b":") {
        None => text.is_empty(),
        Some(digits) => {
            digits.is_empty() || decimal(digits).is_some_and(|p| p <= 65_535)
        }
    }
}

/// Decodes the path, once. We reject what could mislead a check in front of us:
/// an encoded slash or backslash hides a separator, and a NUL ends a C string
/// early. We reject a `..` segment instead of resolving it, because proxies
/// resolve it in different ways; a plain `\`, which some recipients take for a
/// slash; and `#`, which starts a fragment that the client should have kept
/// (RFC 9112, section 3.2.1).
///
/// None of this concerns the query, which a file server ignores.
fn decode(raw: &[u8]) -> Result<Cow<'_, [u8]>, Status> {
    if memchr::memchr2(b'\\', b'#', raw).is_some() || !escapes_are_whole(raw) {
        return Err(Status::BAD_REQUEST);
    }
    let path: Cow<[u8]> = percent_decode(raw).into();
    let slashes = |path: &[u8]| memchr::memchr_iter(b'/', path).count();
    let hides_something = path.len() != raw.len()
        && (path.iter().any(|byte| matches!(byte, 0 | b'\\'))
            || slashes(&path) != slashes(raw));
    if hides_something || path.split(|&b| b == b'/').any(|s| s == b"..") {
        return Err(Status::BAD_REQUEST);
    }
    Ok(path)
}
