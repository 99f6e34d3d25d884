//! A strict response parser: it accepts only what RFC 9112 lets a server send,
//! so that a sloppy response is a failure and not a guess.

use super::request::{chunked_end, find, requests};

/// One response, interim (1xx) or final.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Status line, fields and the empty line, exactly as received.
    pub head: Vec<u8>,
    /// The fields, in order, names as sent.
    pub fields: Vec<(String, String)>,
    /// The body, decoded if it was chunked.
    pub body: Vec<u8>,
    /// Whether the body was chunked.
    pub chunked: bool,
    /// Number of bytes missing, if the connection ended early.
    pub missing: usize,
}

impl Response {
    /// The value of the first field of this name, in any case.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        fields
            .find(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Whether this is an interim response (1xx).
    #[must_use]
    pub fn is_interim(&self) -> bool {
        (100..200).contains(&self.status)
    }
}

/// Splits a stream of received bytes into responses.
#[derive(Debug, Default)]
pub struct Reader {
    /// The complete responses so far, including interim ones.
    pub responses: Vec<Response>,
    /// Number of received bytes they consist of.
    pub used: usize,
    /// Why the bytes after `used` are not an HTTP response.
    pub complaint: Option<String>,
}

impl Reader {
    /// Parses as much as possible. `received` and `sent` hold all bytes since
    /// the start of the connection; `ended` means that no more will come.
    pub fn advance(&mut self, received: &[u8], sent: &[u8], ended: bool) {
        if self.used >= received.len() || self.complaint.is_some() {
            return;
        }
        let asked = requests(sent);
        while self.used < received.len() && self.complaint.is_none() {
            let method =
                asked.get(self.finals()).map_or("", |request| &request.method);
            match one(&received[self.used..], method, ended) {
                Ok(Some((response, used))) => {
                    self.responses.push(response);
                    self.used += used;
                }
                Ok(None) => return,
                Err(complaint) => self.complaint = Some(complaint),
            }
        }
    }

    /// The number of final (not 1xx) responses.
    #[must_use]
    pub fn finals(&self) -> usize {
        self.responses.iter().filter(|response| !response.is_interim()).count()
    }
}

/// A response and its number of bytes, or `None` if more bytes must come.
pub type Cut = Result<Option<(Response, usize)>, String>;

/// The first response in `bytes`, to a request with `method`; `ended` means
/// that no more bytes will come.
///
/// # Errors
/// The text says why the bytes are not a response.
pub fn one(bytes: &[u8], method: &str, ended: bool) -> Cut {
    check_lines(bytes)?;
    let Some(head_len) = find(bytes, b"\r\n\r\n").map(|position| position + 4)
    else {
        return Ok(None);
    };
    let (head, rest) = bytes.split_at(head_len);
    let (status, fields) = parse_head(head)?;
    let mut response = Response {
        status,
        head: head.to_vec(),
        fields,
        body: Vec::new(),
        chunked: false,
        missing: 0,
    };
    if method == "HEAD" || status < 200 || status == 204 || status == 304 {
        return Ok(Some((response, head_len)));
    }
    let taken = body(&mut response, rest, ended)?;
    Ok(taken.map(|taken| (response, head_len + taken)))
}

/// The body by RFC 9112 section 6.3: chunked, counted, or up to the close.
fn body(
    response: &mut Response,
    rest: &[u8],
    ended: bool,
) -> Result<Option<usize>, String> {
    if response.field("Transfer-Encoding").is_some() {
        response.chunked = true;
        let Some(end) = chunked_end(rest) else { return Ok(None) };
        let end = end?;
        response.body = unchunk(&rest[..end]);
        return Ok(Some(end));
    }
    let length = match response.field("Content-Length") {
        Some(text) => text
            .parse::<usize>()
            .map_err(|_| format!("Content-Length `{text}` is not a number"))?,
        None if ended => rest.len(),
        None => return Ok(None),
    };
    if rest.len() < length && !ended {
        return Ok(None);
    }
    let received = length.min(rest.len());
    response.body = rest[..received].to_vec();
    response.missing = length - received;
    Ok(Some(received))
}

fn unchunk(body: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    let mut rest = body;
    while let Some(line_len) = find(rest, b"\r\n") {
        let line = String::from_utf8_lossy(&rest[..line_len]);
        let digits = line.split(';').next().unwrap_or("").trim_end();
        let size = usize::from_str_radix(digits, 16).unwrap_or(0);
        if size == 0 {
            break;
        }
        let start = line_len + 2;
        data.extend(&rest[start..start + size]);
        rest = &rest[start + size + 2..];
    }
    data
}

/// Checks incomplete heads too, so that a wrong line end is reported at once
/// and not after a time-out.
fn check_lines(bytes: &[u8]) -> Result<(), String> {
    let expected = b"HTTP/1.";
    let start = &bytes[..bytes.len().min(expected.len())];
    if !expected.starts_with(start) {
        return Err("a response does not begin with a status line".into());
    }
    let head =
        find(bytes, b"\r\n\r\n").map_or(bytes, |position| &bytes[..position]);
    for (position, &byte) in head.iter().enumerate() {
        let before = position.checked_sub(1).map(|position| head[position]);
        if byte == b'\n' && before != Some(b'\r') {
            return Err(
                "the response has lines that end in bare LF (\\n); HTTP \
                 requires \\r\\n (RFC 9112 section 2.2)"
                    .into(),
            );
        }
    }
    Ok(())
}

type Head = (u16, Vec<(String, String)>);

fn parse_head(head: &[u8]) -> Result<Head, String> {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.split("\r\n");
    let line = lines.next().unwrap_or("");
    let status = status(line)
        .ok_or_else(|| format!("`{}` is not a status line", line.trim_end()))?;
    let mut fields = Vec::new();
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line
            .split_once(':')
            .filter(|(name, _)| is_token(name))
            .ok_or_else(|| format!("`{line}` is not a header field"))?;
        fields.push((name.to_owned(), value.trim().to_owned()));
    }
    Ok((status, fields))
}

/// `HTTP/1.1 200 OK`: version, three digits, a space, any reason (section 4).
fn status(line: &str) -> Option<u16> {
    let rest = line
        .strip_prefix("HTTP/1.1 ")
        .or_else(|| line.strip_prefix("HTTP/1.0 "))?;
    let (digits, _reason) = rest.split_once(' ')?;
    let three = digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit());
    if three { digits.parse().ok() } else { None }
}

fn is_token(name: &str) -> bool {
    let allowed =
        |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !name.is_empty() && name.bytes().all(allowed)
}
