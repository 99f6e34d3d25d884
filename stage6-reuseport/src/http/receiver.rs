//! Bytes in, requests out: the receiving side of one connection.

use super::body::{Decoder, Framing};
use super::fields::is_token_byte;
use super::request::{Expectation, Request, request_line};
use super::{MAX_HEAD, Status};

/// What the bytes received so far call for.
#[derive(Debug)]
pub enum Step<'a> {
    /// Nothing yet: more bytes are needed.
    NeedInput,
    /// An answer to a request without content, or whose content nobody reads.
    Request(Request<'a>),
    /// An answer to a request whose content has come too.
    Upload(Box<Upload>),
    /// An interim `100 Continue`: the client waits for it.
    Continue,
    /// An error answer, the last one on this connection.
    Reject(Rejection),
}

/// Bytes that are no request, or none that is let in.
#[derive(Debug)]
pub struct Rejection {
    /// What to answer.
    pub status: Status,
    /// The request line as far as it was seen, for the access log.
    pub line: Vec<u8>,
}

/// A request with content. Such requests are rare here, so the head is simply
/// kept, and parsed again when the content is complete.
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

    /// The decoded content, or nothing where it is not wanted.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    fn rejection(&self, status: Status) -> Rejection {
        Rejection { status, line: request_line(&self.head).to_vec() }
    }
}

/// The receiving side of one connection. It holds no bytes but those of a
/// request with content: what it has not consumed, the caller keeps and
/// offers again with more behind it.
#[derive(Debug, Default)]
pub struct Receiver {
    /// Bytes of the coming head that hold no end of it, so that a head which
    /// comes byte by byte is not searched from its start each time.
    searched: usize,
    upload: Option<Box<Upload>>,
}

impl Receiver {
    /// Looks at all bytes received and not yet consumed. Returns how many are
    /// consumed now, and what they call for. To be called until it wants
    /// more input, since one segment may carry many requests.
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
                // The answer will not depend on the content, so it goes out
                // at once. Whether the client then still sends the content is
                // for the client to say, so the connection can't go on.
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

    /// Looks for the empty line that ends the head, where it was not looked
    /// for before. Returns the length of the head with that line.
    fn find_end(&mut self, head: &[u8]) -> Result<Option<usize>, Status> {
        // A TLS handshake or other binary protocol shows in its first byte.
        if head.first().is_some_and(|&byte| !is_token_byte(byte)) {
            return Err(Status::BAD_REQUEST);
        }
        let window = head.get(..MAX_HEAD).unwrap_or(head);
        while let Some(at) =
            memchr::memchr(b'\n', window.get(self.searched..).unwrap_or(b""))
        {
            let (line, _) = window.split_at(self.searched + at);
            // A bare LF ends a line for some recipients and not for others.
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

    /// What to answer if no more bytes will come, or not in time: `status`
    /// to a request that has begun, nothing between two requests. `input` is
    /// what has not been consumed.
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

/// One empty line before a request is skipped: old clients send one after a
/// body (RFC 9112, section 2.2). Half of one may be the start of it.
fn without_empty_line(input: &[u8]) -> &[u8] {
    match input {
        [b'\r', b'\n', rest @ ..] => rest,
        [b'\r'] => b"",
        _ => input,
    }
}
