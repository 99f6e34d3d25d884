//! Bytes in, requests out: the receiving side of one connection.

use super::body::{Decoder, Framing};
use super::fields::is_token_byte;
use super::request::{Expectation, Request, request_line};
use super::{MAX_HEAD, Status};

/// What the bytes received so far require.
#[derive(Debug)]
pub enum Step<'a> {
    /// Nothing yet: more bytes are needed.
    NeedInput,
    /// A response to a request without a body, or whose body does not matter.
    Request(Request<'a>),
    /// A response to a request whose body is complete.
    Upload(Box<Upload>),
    /// An interim `100 Continue`, for which the client waits.
    Continue,
    /// An error response, the last one on this connection.
    Reject(Rejection),
}

/// Bytes that are not a request, or one that we reject.
#[derive(Debug)]
pub struct Rejection {
    /// The status to respond with.
    pub status: Status,
    /// The request line as far as it arrived, for the access log.
    pub line: Vec<u8>,
}

/// A request with a body. Such requests are rare here, so we simply keep the
/// head, and parse it again when the body is complete.
#[derive(Debug)]
pub struct Upload {
    head: Vec<u8>,
    body: Vec<u8>,
    keep_body: bool,
    decoder: Decoder,
}

impl Upload {
    fn new(head: &[u8], request: &Request) -> Self {
        Self {
            head: head.to_vec(),
            body: Vec::new(),
            keep_body: request.wants_body(),
            decoder: Decoder::new(request.framing),
        }
    }

    /// The request.
    ///
    /// # Errors
    /// None in practice: the same head was parsed before.
    pub fn request(&self) -> Result<Request<'_>, Rejection> {
        Request::parse(&self.head).map_err(|status| self.rejection(status))
    }

    /// The decoded body, or nothing if it does not matter.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    fn rejection(&self, status: Status) -> Rejection {
        Rejection { status, line: request_line(&self.head).to_vec() }
    }
}

/// The receiving side of one connection. It holds no bytes except those of a
/// request with a body: the caller keeps what was not consumed, and offers it
/// again with more after it.
#[derive(Debug, Default)]
pub struct Receiver {
    /// Bytes of the current head that were searched for its end, so that a head
    /// which arrives byte by byte is not searched from its start each time.
    searched: usize,
    upload: Option<Box<Upload>>,
}

impl Receiver {
    /// Takes all bytes received and not yet consumed. Returns how many it
    /// consumes, and what they require. Called until it needs more input, since
    /// one segment may carry many requests.
    pub fn next<'a>(&mut self, input: &'a [u8]) -> (usize, Step<'a>) {
        match self.upload.take() {
            Some(upload) => self.next_body(upload, input),
            None => self.next_head(input),
        }
    }

    fn next_head<'a>(&mut self, input: &'a [u8]) -> (usize, Step<'a>) {
        let head = without_empty_line(input);
        let skipped = input.len() - head.len();
        let reject = |status| {
            let line = request_line(head).to_vec();
            (input.len(), Step::Reject(Rejection { status, line }))
        };
        let head = match self.find_end(head) {
            Ok(None) => return (0, Step::NeedInput),
            Ok(Some(end)) => head.get(..end).unwrap_or_default(),
            Err(status) => return reject(status),
        };
        self.searched = 0;
        let mut request = match Request::parse(head) {
            Ok(request) => request,
            Err(status) => return reject(status),
        };
        let step = match (request.framing, request.expectation) {
            (_, Expectation::Unknown) => {
                return reject(Status::EXPECTATION_FAILED);
            }
            (Framing::None, _) => Step::Request(request),
            (_, Expectation::Continue) if !request.wants_body() => {
                // The response does not depend on the body, so we send it at
                // once. The client may or may not send the body after that, so
                // the connection cannot continue.
                request.keep_alive = false;
                Step::Request(request)
            }
            (_, expectation) => {
                self.upload = Some(Box::new(Upload::new(head, &request)));
                if expectation == Expectation::Continue {
                    Step::Continue
                } else {
                    let (consumed, step) = self.next(
                        input.get(skipped + head.len()..).unwrap_or_default(),
                    );
                    return (skipped + head.len() + consumed, step);
                }
            }
        };
        (skipped + head.len(), step)
    }

    /// Searches for the empty line that ends the head, from where the last
    /// search stopped. Returns the length of the head with that line.
    fn find_end(&mut self, head: &[u8]) -> Result<Option<usize>, Status> {
        // The first byte reveals a TLS handshake or another binary protocol.
        if head.first().is_some_and(|&byte| !is_token_byte(byte)) {
            return Err(Status::BAD_REQUEST);
        }
        let window = head.get(..MAX_HEAD).unwrap_or(head);
        while let Some(at) =
            memchr::memchr(b'\n', window.get(self.searched..).unwrap_or(b""))
        {
            let (line, _) = window.split_at(self.searched + at);
            // Some recipients take a bare LF for a line end, and others do not.
            if !line.ends_with(b"\r") {
                return Err(Status::BAD_REQUEST);
            }
            self.searched = line.len() + 1;
            if line.ends_with(b"\r\n\r") {
                return Ok(Some(self.searched));
            }
        }
        if window.len() < MAX_HEAD {
            self.searched = window.len();
            return Ok(None);
        }
        // What was too long: the target, or all the fields together?
        if memchr::memchr(b'\n', window).is_some() {
            Err(Status::FIELDS_TOO_LARGE)
        } else if memchr::memchr(b' ', window).is_some() {
            Err(Status::URI_TOO_LONG)
        } else {
            Err(Status::BAD_REQUEST)
        }
    }

    fn next_body<'a>(
        &mut self,
        mut upload: Box<Upload>,
        input: &'a [u8],
    ) -> (usize, Step<'a>) {
        let Upload { body, keep_body, decoder, .. } = &mut *upload;
        let progress = decoder.decode(input, |piece| {
            if *keep_body {
                body.extend_from_slice(piece);
            }
        });
        match progress {
            Ok(progress) if progress.complete => {
                (progress.consumed, Step::Upload(upload))
            }
            Ok(progress) => {
                self.upload = Some(upload);
                (progress.consumed, Step::NeedInput)
            }
            Err(status) => {
                (input.len(), Step::Reject(upload.rejection(status)))
            }
        }
    }

    /// Whether the rest of a request body is still to come.
    #[must_use]
    pub fn is_in_body(&self) -> bool {
        self.upload.is_some()
    }

    /// How to end if no more bytes will come, or not in time: `status` for a
    /// partial request, nothing between two requests. `input` is what was not
    /// consumed.
    pub fn end_early(
        &mut self,
        input: &[u8],
        status: Status,
    ) -> Option<Rejection> {
        if let Some(upload) = self.upload.take() {
            return Some(upload.rejection(status));
        }
        let head = without_empty_line(input);
        let line = request_line(head).to_vec();
        (!head.is_empty()).then_some(Rejection { status, line })
    }
}

/// Skips one empty line before a request: old clients send one after a body
/// (RFC 9112, section 2.2). A single CR may be the start of one.
fn without_empty_line(input: &[u8]) -> &[u8] {
    match input {
        [b'\r', b'\n', rest @ ..] => rest,
        [b'\r'] => b"",
        _ => input,
    }
}
