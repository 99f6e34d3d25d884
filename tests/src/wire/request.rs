//! What the client has sent, read back: how many requests, by which methods.
//!
//! The reader of the answers needs the methods, for the answer to a HEAD
//! has no body whatever its head says (RFC 9112 section 6.3). A request that
//! is broken on purpose ends the list: the server must close after it.

/// One request found in the bytes that were sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method as sent; empty if the first line holds none.
    pub method: String,
    /// Where the request ends in the sent bytes; `None` if it is not whole.
    pub end: Option<usize>,
}

/// The requests in `sent`, in order. The last may be unfinished.
#[must_use]
pub fn requests(sent: &[u8]) -> Vec<Request> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < sent.len() {
        // A server should skip an empty line here (RFC 9112 section 2.2).
        if sent[at..].starts_with(b"\r\n") {
            at += 2;
            continue;
        }
        let request = one(sent, at);
        let end = request.end;
        found.push(request);
        match end {
            Some(end) => at = end,
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
    let Some(head_len) = find(rest, b"\r\n\r\n").map(|at| at + 4) else {
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

/// Where a chunked body ends, counted from its start: `None` while more must
/// come, an error if it is no chunked body (RFC 9112 section 7.1).
#[must_use]
pub fn chunked_end(body: &[u8]) -> Option<Result<usize, String>> {
    let mut at = 0;
    loop {
        let line_len = find(&body[at..], b"\r\n")?;
        let line = String::from_utf8_lossy(&body[at..at + line_len]);
        let digits = line.split(';').next().unwrap_or("").trim_end();
        let Ok(size) = usize::from_str_radix(digits, 16) else {
            return Some(Err(format!("`{line}` is no chunk size")));
        };
        at += line_len + 2;
        if size == 0 {
            break;
        }
        let after = at.checked_add(size)?;
        let end = body.get(after..after.checked_add(2)?)?;
        if end != b"\r\n" {
            return Some(Err("a chunk does not end in CRLF".into()));
        }
        at = after + 2;
    }
    // The trailer section: lines up to the empty one.
    loop {
        let line_len = find(&body[at..], b"\r\n")?;
        at += line_len + 2;
        if line_len == 0 {
            return Some(Ok(at));
        }
    }
}

/// Where `needle` first stands in `bytes`.
#[must_use]
pub fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}
