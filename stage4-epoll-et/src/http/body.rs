//! Where a request body ends (RFC 9112, sections 6 and 7).

use super::fields::{hex, is_token, is_value_byte, list};
use super::{MAX_BODY, MAX_FIELDS, Status, chunk_extension};

/// The most bytes a chunk's first line may have, its line end included.
const MAX_CHUNK_LINE: usize = 256;

/// The most bytes that all chunk extensions of a body may have together. A
/// body of one-byte chunks could otherwise carry 256 MiB of them.
const MAX_EXTENSIONS: usize = 8 * 1024;

/// The most bytes the trailer section, or one line of it, may have.
const MAX_TRAILERS: usize = 8 * 1024;

/// How a request marks the end of its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// There is no body.
    None,
    /// After this many bytes: more than 0, at most [`MAX_BODY`].
    Length(usize),
    /// After the last chunk.
    Chunked,
}

/// The members of all Transfer-Encoding fields of one request.
#[derive(Debug, Default)]
pub struct Codings {
    chunked: usize,
    chunked_is_last: bool,
    unknown: bool,
}

impl Codings {
    /// Adds one field value.
    ///
    /// # Errors
    /// 400 if it is not a list of codings.
    pub fn take(&mut self, value: &[u8]) -> Result<(), Status> {
        for coding in list(value) {
            let name = coding.split(|&byte| byte == b';').next();
            let name = super::fields::trim(name.unwrap_or_default());
            if !is_token(name) {
                return Err(Status::BAD_REQUEST);
            }
            self.chunked_is_last = coding.eq_ignore_ascii_case(b"chunked");
            if self.chunked_is_last {
                self.chunked += 1;
            } else if name.eq_ignore_ascii_case(b"chunked") {
                return Err(Status::BAD_REQUEST); // It takes no parameters.
            } else {
                self.unknown = true;
            }
        }
        Ok(())
    }

    /// The framing these codings amount to.
    ///
    /// # Errors
    /// 400 if chunked is not the last coding, because then the end of the body
    /// is unknown (RFC 9112, section 6.3), or if it occurs twice; 501 for any
    /// other coding.
    pub fn framing(&self) -> Result<Framing, Status> {
        if self.chunked != 1 || !self.chunked_is_last {
            return Err(Status::BAD_REQUEST);
        }
        if self.unknown {
            return Err(Status::NOT_IMPLEMENTED);
        }
        Ok(Framing::Chunked)
    }
}

/// The progress of one call of [`Decoder::decode`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of input consumed.
    pub consumed: usize,
    /// Whether the body is complete.
    pub complete: bool,
}

/// Decodes a body across reads.
#[derive(Debug)]
pub struct Decoder {
    state: State,
    received: usize,
    extensions: usize,
    trailers: usize,
    trailer_fields: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// This many bytes of a body with a length are still to come.
    Length(usize),
    /// At a chunk's size line.
    Size,
    /// This many bytes of a chunk are still to come.
    Chunk(usize),
    /// At the line end after a chunk.
    ChunkEnd,
    /// In the trailer section.
    Trailers,
    /// After the body.
    Complete,
}

impl Decoder {
    /// A decoder at the start of a body.
    #[must_use]
    pub fn new(framing: Framing) -> Self {
        let state = match framing {
            Framing::None => State::Complete,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::Size,
        };
        let (received, extensions, trailers, trailer_fields) = (0, 0, 0, 0);
        Self { state, received, extensions, trailers, trailer_fields }
    }

    /// Consumes as much of `input` as belongs to the body, and passes the
    /// decoded bytes to `keep`, chunk by chunk. Bytes it leaves must be offered
    /// again, with more after them.
    ///
    /// # Errors
    /// 400 if it is not chunked coding, 413 if the body exceeds [`MAX_BODY`],
    /// 431 for too many trailers.
    pub fn decode(
        &mut self,
        input: &[u8],
        mut keep: impl FnMut(&[u8]),
    ) -> Result<Progress, Status> {
        let mut consumed = 0;
        while self.state != State::Complete {
            let rest = input.get(consumed..).unwrap_or_default();
            consumed += match self.state {
                State::Length(left) | State::Chunk(left) => {
                    let piece = rest.get(..left).unwrap_or(rest);
                    if piece.is_empty() {
                        break;
                    }
                    keep(piece);
                    self.advance(left - piece.len());
                    piece.len()
                }
                State::Size | State::ChunkEnd | State::Trailers => {
                    let Some(line) = self.line(rest)? else { break };
                    self.take_line(line)?;
                    line.len() + 2
                }
                State::Complete => 0,
            };
        }
        Ok(Progress { consumed, complete: self.state == State::Complete })
    }

    /// Advances after some bytes of a chunk or body, of which `left` are
    /// missing.
    fn advance(&mut self, left: usize) {
        self.state = match self.state {
            State::Length(_) if left == 0 => State::Complete,
            State::Length(_) => State::Length(left),
            _ if left == 0 => State::ChunkEnd,
            _ => State::Chunk(left),
        };
    }

    /// The next line without its CRLF, or `None` if it is incomplete. A bare CR
    /// or LF is an error, because recipients differ on whether it ends a line.
    fn line<'i>(&self, input: &'i [u8]) -> Result<Option<&'i [u8]>, Status> {
        let (limit, too_long) = match self.state {
            State::ChunkEnd => (2, Status::BAD_REQUEST),
            State::Size => (MAX_CHUNK_LINE, Status::BAD_REQUEST),
            _ => (MAX_TRAILERS - self.trailers, Status::FIELDS_TOO_LARGE),
        };
        let window = input.get(..limit).unwrap_or(input);
        match memchr::memchr2(b'\r', b'\n', window) {
            None if window.len() < limit => Ok(None),
            None => Err(too_long),
            Some(at) => match (window.get(at), input.get(at + 1)) {
                (Some(b'\r'), None) => Ok(None),
                (Some(b'\r'), Some(b'\n')) => Ok(input.get(..at)),
                _ => Err(Status::BAD_REQUEST),
            },
        }
    }

    fn take_line(&mut self, line: &[u8]) -> Result<(), Status> {
        match self.state {
            State::Size => {
                let size = self.chunk_size(line)?;
                self.received += size;
                if self.received > MAX_BODY {
                    return Err(Status::CONTENT_TOO_LARGE);
                }
                self.state = match size {
                    0 => State::Trailers,
                    _ => State::Chunk(size),
                };
            }
            State::ChunkEnd if line.is_empty() => self.state = State::Size,
            State::Trailers if line.is_empty() => self.state = State::Complete,
            State::Trailers => self.check_trailer(line)?,
            _ => return Err(Status::BAD_REQUEST),
        }
        Ok(())
    }

    /// The size in a chunk's first line: digits, and then extensions, which
    /// are checked, bounded and ignored.
    fn chunk_size(&mut self, line: &[u8]) -> Result<usize, Status> {
        let digits = line.iter().take_while(|&&b| hex(b).is_some()).count();
        let (number, extensions) = line.split_at(digits);
        self.extensions += extensions.len();
        if !(1..=16).contains(&digits)
            || !chunk_extension::are_valid(extensions)
            || self.extensions > MAX_EXTENSIONS
        {
            return Err(Status::BAD_REQUEST);
        }
        let size = number.iter().fold(0_u64, |size, &digit| {
            size << 4 | u64::from(hex(digit).unwrap_or(0))
        });
        // Larger than any body may be: the caller checks the limit.
        Ok(usize::try_from(size).unwrap_or(usize::MAX).min(MAX_BODY + 1))
    }

    /// Trailer fields are read, checked for form and dropped: none of them can
    /// change a response of this server.
    fn check_trailer(&mut self, line: &[u8]) -> Result<(), Status> {
        self.trailers += line.len() + 2;
        self.trailer_fields += 1;
        if self.trailer_fields > MAX_FIELDS || self.trailers >= MAX_TRAILERS {
            return Err(Status::FIELDS_TOO_LARGE);
        }
        let colon = memchr::memchr(b':', line).ok_or(Status::BAD_REQUEST)?;
        let (name, value) = line.split_at(colon);
        if is_token(name) && value.iter().copied().all(is_value_byte) {
            Ok(())
        } else {
            Err(Status::BAD_REQUEST)
        }
    }
}
