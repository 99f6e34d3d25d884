//! Parses what the client has sent: how many requests, with which methods.
//!
//! The response parser needs the methods, because the response to a HEAD has no
//! body whatever its head says (RFC 9112 section 6.3). A deliberately broken
//! request ends the list: the server must close after it.

/// One request found in the bytes that were sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method as sent; empty if the first line has none.
    pub method: String,
    /// Where the request ends in the sent bytes; `None` if it is incomplete.
    pub end: Option<usize>,
}

/// The requests in `sent`, in order. The last one may be incomplete.
#[must_use]
pub fn requests(sent: &[u8]) -> Vec<Request> {
    let mut found = Vec::new();
    let mut position = 0;
    while position < sent.len() {
        // A server should skip an empty line here (RFC 9112 section 2.2).
        if sent[position..].starts_with(b"\r\n") {
            position += 2;
            continue;
        }
        let request = one(sent, position);
        let end = request.end;
        found.push(request);
        match end {
            Some(end) => position = end,
            None => break,
        }
    }
    found
}

fn one(sent: &[u8], start: usize) -> Request {
    let rest = &sent[start..];
    let word = rest.iter().position(|b| b" \r\n".contains(b));
    let method = word.map_or(rest, |end| &rest[..end]);
    let method = String::from_utf8_lossy(method).into_owned();
    let Some(head_len) = find(rest, b"\r\n\r\n").map(|position| position + 4)
    else {
        return Request { method, end: None };
    };
    let body_start = start + head_len;
    let end = match framing(&rest[..head_len]) {
        Framing::Length(n) => {
            body_start.checked_add(n).filter(|end| *end <= sent.len())
        }
        Framing::Chunked => chunked_end(&sent[body_start..])
            .and_then(Result::ok)
            .map(|used| body_start + used),
    };
    Request { method, end }
}

enum Framing {
    Length(usize),
    Chunked,
}

fn framing(head: &[u8]) -> Framing {
    let mut length = 0;
    for line in head.split(|&byte| byte == b'\n').skip(1) {
        let line = String::from_utf8_lossy(line).to_ascii_lowercase();
        let Some((name, value)) = line.split_once(':') else { continue };
        match (name.trim(), value.trim()) {
            ("transfer-encoding", "chunked") => return Framing::Chunked,
            ("content-length", value) => length = value.parse().unwrap_or(0),
            _ => {}
        }
    }
    Framing::Length(length)
}

/// The length of a chunked body: `None` while it is incomplete, an error if it
/// is malformed (RFC 9112 section 7.1).
#[must_use]
pub fn chunked_end(body: &[u8]) -> Option<Result<usize, String>> {
    let mut position = 0;
    loop {
        let line_len = find(&body[position..], b"\r\n")?;
        let line =
            String::from_utf8_lossy(&body[position..position + line_len]);
        let digits = line.split(';').next().unwrap_or("").trim_end();
        let Ok(size) = usize::from_str_radix(digits, 16) else {
            return Some(Err(format!("`{line}` is not a chunk size")));
        };
        position += line_len + 2;
        if size == 0 {
            break;
        }
        let after = position.checked_add(size)?;
        let end = body.get(after..after.checked_add(2)?)?;
        if end != b"\r\n" {
            return Some(Err("a chunk does not end in CRLF".into()));
        }
        position = after + 2;
    }
    // The trailer section: lines up to the empty line.
    loop {
        let line_len = find(&body[position..], b"\r\n")?;
        position += line_len + 2;
        if line_len == 0 {
            return Some(Ok(position));
        }
    }
}

/// The position of the first `needle` in `bytes`.
#[must_use]
pub fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}
