//! Responses (RFC 9110, section 15).

use std::borrow::Cow;
use std::ops::Range;

use super::conditional::{self, Verdict};
use super::range::{self, Selection};
use super::target::Target;
use super::{Method, Representation, Request, Status, Version, location};

/// Whether the connection stays open after a response, and how we say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persistence {
    /// It stays open, which is the default in HTTP/1.1.
    KeepAlive,
    /// It stays open, and an HTTP/1.0 client must be told.
    KeepAliveExplicit,
    /// It is closed.
    Close,
}

impl Persistence {
    /// What `request` asks for.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        match (request.keep_alive, request.version) {
            (true, Version::Http11) => Self::KeepAlive,
            (true, Version::Http10) => Self::KeepAliveExplicit,
            (false, _) => Self::Close,
        }
    }
}

/// A response: a head, and where its body comes from.
#[derive(Debug)]
pub struct Response<'a> {
    /// The status.
    pub status: Status,
    /// An additional field, for statuses that need one.
    pub(super) field: Option<(&'static str, Cow<'a, [u8]>)>,
    pub(super) body: Body<'a>,
}

/// Where the body of a response comes from.
#[derive(Debug)]
pub(super) enum Body<'a> {
    /// No body, and no fields about one.
    Nothing,
    /// A line with the status.
    Status,
    /// The request body.
    Echo(&'a [u8]),
    /// A part of a file, or only its description.
    File(&'a Representation, Range<u64>),
}

impl<'a> Response<'a> {
    /// A response with nothing but its status.
    #[must_use]
    pub fn status(status: Status) -> Self {
        // In seconds. What we ran out of is usually free again in milliseconds.
        let field = (status == Status::UNAVAILABLE)
            .then_some(("Retry-After", Cow::Borrowed(b"1".as_slice())));
        Self { status, field, body: Body::Status }
    }

    /// The response to a request that needs no file; `None` if it needs one.
    #[must_use]
    pub fn without_file(request: &Request, body: &'a [u8]) -> Option<Self> {
        let allowed = match &request.target {
            _ if request.is_echo() => "POST, OPTIONS",
            Target::Path { .. } => "GET, HEAD, OPTIONS",
            Target::Server | Target::Authority => "GET, HEAD, POST, OPTIONS",
        };
        let allow = Some(("Allow", Cow::Borrowed(allowed.as_bytes())));
        let (status, field, body) = match request.method {
            Method::Unknown => (Status::NOT_IMPLEMENTED, None, Body::Status),
            Method::Options => (Status::NO_CONTENT, allow, Body::Nothing),
            Method::Post if request.is_echo() => {
                (Status::OK, None, Body::Echo(body))
            }
            Method::Get | Method::Head if !request.is_echo() => return None,
            _ => (Status::METHOD_NOT_ALLOWED, allow, Body::Status),
        };
        Some(Self { status, field, body })
    }

    /// Redirects to the same path with a slash at the end.
    #[must_use]
    pub fn redirect(request: &Request) -> Self {
        let location = location::of_directory(&request.target);
        Self {
            status: Status::MOVED_PERMANENTLY,
            field: Some(("Location", Cow::Owned(location))),
            body: Body::Status,
        }
    }

    /// The response to a request for an existing file; `now` is in seconds
    /// since 1970.
    #[must_use]
    pub fn file(request: &Request, file: &'a Representation, now: u64) -> Self {
        let whole = Self {
            status: Status::OK,
            field: None,
            body: Body::File(file, 0..file.length()),
        };
        if !request.conditional {
            return whole;
        }
        match conditional::evaluate(request, file, now) {
            Verdict::Failed => {
                return Self::status(Status::PRECONDITION_FAILED);
            }
            Verdict::NotModified => {
                // The fields that RFC 9110, section 15.4.5 requires: Date is in
                // every response, and Last-Modified would repeat the tag.
                return Self {
                    status: Status::NOT_MODIFIED,
                    field: Some(("ETag", Cow::Borrowed(file.etag()))),
                    body: Body::Nothing,
                };
            }
            Verdict::Proceed => {}
        }
        let (status, span, body) = match range::select(request, file, now) {
            Selection::Whole => return whole,
            Selection::Unsatisfiable => {
                (Status::RANGE_NOT_SATISFIABLE, "*".to_owned(), Body::Status)
            }
            Selection::Part(part) => (
                Status::PARTIAL_CONTENT,
                format!("{}-{}", part.start, part.end.saturating_sub(1)),
                Body::File(file, part),
            ),
        };
        let value = format!("bytes {span}/{}", file.length()).into_bytes();
        Self { status, field: Some(("Content-Range", value.into())), body }
    }
}
