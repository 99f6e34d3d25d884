//! One request head, parsed and checked (RFC 9112, sections 2 to 6).

use super::body::{Codings, Framing};
use super::fields::{decimal, is_token, list, trim};
use super::target::{self, Target, is_authority};
use super::{ECHO, MAX_BODY, MAX_FIELDS, Method, Status};

/// The protocol version of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Version {
    Http10,
    Http11,
}

/// What the client said in Expect (RFC 9110, section 10.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expectation {
    /// Nothing, or an HTTP/1.0 client said 100-continue, which is ignored.
    None,
    /// The client waits for permission to send its body.
    Continue,
    /// An expectation that we do not know.
    Unknown,
}

/// A request head that passed every check a recipient must make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request<'a> {
    /// The request line without its line end, for the access log.
    pub line: &'a [u8],
    /// The header section, for fields that few requests have.
    header: &'a [u8],
    /// The method.
    pub method: Method,
    /// The target, decoded.
    pub target: Target<'a>,
    /// The version.
    pub version: Version,
    /// Whether the client wants to reuse the connection.
    pub keep_alive: bool,
    /// Where the body ends.
    pub framing: Framing,
    /// What the client expects before it sends the body.
    pub expectation: Expectation,
    /// Whether there is any If-* or Range field.
    pub conditional: bool,
}

impl<'a> Request<'a> {
    /// Parses a complete head, from the method to the empty line. The caller
    /// has checked that every LF follows a CR, which httparse does not.
    ///
    /// # Errors
    /// The status to reject it with. After that we cannot trust the framing, so
    /// the connection must be closed.
    pub fn parse(head: &'a [u8]) -> Result<Self, Status> {
        let line = request_line(head);
        let (method, target, version) = words(line)?;
        let header = head.get(line.len()..).unwrap_or_default();
        // Anything else would be a bare CR within the request line.
        let header = header.strip_prefix(b"\r\n").ok_or(Status::BAD_REQUEST)?;
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut seen = Seen::default();
        match httparse::parse_headers(header, &mut fields) {
            Ok(httparse::Status::Complete((_, fields))) => {
                for field in fields {
                    seen.take(field.name, field.value)?;
                }
            }
            Err(httparse::Error::TooManyHeaders) => {
                return Err(Status::FIELDS_TOO_LARGE);
            }
            _ => return Err(Status::BAD_REQUEST),
        }
        seen.check_host(version)?;
        Ok(Self {
            line,
            header,
            method,
            target: target::parse(method, target)?,
            version,
            keep_alive: seen.keep_alive(version),
            framing: seen.framing(version)?,
            expectation: seen.expectation(version),
            conditional: seen.conditional,
        })
    }

    /// The values of all fields of this name, in order, trimmed. For rare
    /// fields: it scans the header section again.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.header.split(|&byte| byte == b'\n').filter_map(move |line| {
            let colon = memchr::memchr(b':', line)?;
            let (field, rest) = line.split_at(colon);
            let value = rest.get(1..)?.strip_suffix(b"\r")?;
            field.eq_ignore_ascii_case(name.as_bytes()).then(|| trim(value))
        })
    }

    /// The value of a field that may occur once. A field that occurs twice is
    /// invalid, and ignored.
    #[must_use]
    pub fn single(&self, name: &str) -> Option<&'a [u8]> {
        let mut values = self.values(name);
        values.next().filter(|_| values.next().is_none())
    }

    /// The decoded path, which begins with a slash; without one, `/`.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        match &self.target {
            Target::Path { path, .. } => path,
            Target::Server | Target::Authority => b"/",
        }
    }

    /// Whether the target is the path that returns the request body.
    #[must_use]
    pub fn is_echo(&self) -> bool {
        self.path() == ECHO
    }

    /// Whether we use the body, and do not only read past it.
    #[must_use]
    pub fn wants_body(&self) -> bool {
        self.method == Method::Post && self.is_echo()
    }
}

/// The first line of `head`, without its line end.
#[must_use]
pub fn request_line(head: &[u8]) -> &[u8] {
    let end = memchr::memchr2(b'\r', b'\n', head).unwrap_or(head.len());
    head.get(..end).unwrap_or_default()
}

/// The three words of a request line (RFC 9112, section 3). The version comes
/// last, but decides whether the rest has any meaning here: 505 for another
/// major version.
///
/// A higher minor version is treated as 1.1: it may add to 1.1, but not change
/// what a 1.1 message means (RFC 9110, section 2.5). httparse accepts only 1.0
/// and 1.1, so it parses only the fields.
fn words(line: &[u8]) -> Result<(Method, &[u8], Version), Status> {
    let mut words = line.split(|&byte| byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Status::BAD_REQUEST);
    };
    let version = match version.strip_prefix(b"HTTP/") {
        Some(b"1.0") => Version::Http10,
        Some([b'1', b'.', b'1'..=b'9']) => Version::Http11,
        Some([b'0'..=b'9', b'.', b'0'..=b'9']) => {
            return Err(Status::VERSION_NOT_SUPPORTED);
        }
        _ => return Err(Status::BAD_REQUEST),
    };
    match str::from_utf8(method) {
        Ok(name) if is_token(method) => {
            Ok((Method::named(name), target, version))
        }
        _ => Err(Status::BAD_REQUEST),
    }
}

/// The findings of one pass over the fields.
#[derive(Default)]
#[allow(clippy::struct_excessive_bools)] // One for each thing said.
struct Seen<'a> {
    host: Option<&'a [u8]>,
    length: Option<u64>,
    codings: Option<Codings>,
    close: bool,
    keep_alive: bool,
    expects_continue: bool,
    expects_other: bool,
    conditional: bool,
}

impl<'a> Seen<'a> {
    fn take(&mut self, name: &str, value: &'a [u8]) -> Result<(), Status> {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is("host") {
            if self.host.replace(value).is_some() {
                return Err(Status::BAD_REQUEST);
            }
        } else if is("content-length") {
            // A second one, even with the same value, is an attempt to make two
            // recipients disagree (RFC 9112, section 11.2).
            let length = decimal(value).ok_or(Status::BAD_REQUEST)?;
            if self.length.replace(length).is_some() {
                return Err(Status::BAD_REQUEST);
            }
        } else if is("transfer-encoding") {
            self.codings.get_or_insert_default().take(value)?;
        } else if is("connection") {
            for option in list(value) {
                self.close |= option.eq_ignore_ascii_case(b"close");
                self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            }
        } else if is("expect") {
            for expected in list(value) {
                let known = expected.eq_ignore_ascii_case(b"100-continue");
                self.expects_continue |= known;
                self.expects_other |= !known;
            }
        } else {
            let prefix = name.as_bytes().get(..3).unwrap_or_default();
            self.conditional |=
                prefix.eq_ignore_ascii_case(b"if-") || is("range");
        }
        Ok(())
    }

    /// Exactly one valid Host in HTTP/1.1 (RFC 9112, section 3.2), at most
    /// one before.
    fn check_host(&self, version: Version) -> Result<(), Status> {
        let valid = match self.host {
            Some(host) => is_authority(host),
            None => version == Version::Http10,
        };
        if valid { Ok(()) } else { Err(Status::BAD_REQUEST) }
    }

    fn keep_alive(&self, version: Version) -> bool {
        !self.close && (version == Version::Http11 || self.keep_alive)
    }

    /// Where the body ends (RFC 9112, section 6.3). Two readings of this
    /// question are how requests are smuggled, so we accept only one.
    fn framing(&self, version: Version) -> Result<Framing, Status> {
        match (&self.codings, self.length) {
            (None, None | Some(0)) => Ok(Framing::None),
            (None, Some(length)) => usize::try_from(length)
                .ok()
                .filter(|&length| length <= MAX_BODY)
                .map(Framing::Length)
                .ok_or(Status::CONTENT_TOO_LARGE),
            (Some(_), Some(_)) => Err(Status::BAD_REQUEST),
            // HTTP/1.0 has no chunked coding (RFC 9112, section 6.1).
            (Some(_), None) if version == Version::Http10 => {
                Err(Status::BAD_REQUEST)
            }
            (Some(codings), None) => codings.framing(),
        }
    }

    fn expectation(&self, version: Version) -> Expectation {
        if self.expects_other {
            Expectation::Unknown
        } else if self.expects_continue && version == Version::Http11 {
            Expectation::Continue
        } else {
            Expectation::None
        }
    }
}
