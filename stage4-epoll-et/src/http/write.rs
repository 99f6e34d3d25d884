//! How a response is written (RFC 9112, section 4).
//!
//! The fields are appended to one buffer. `format!` would take longer than all
//! the rest, so it is used only in rare responses.

use std::ops::Range;

use super::response::Body;
use super::{Clock, Persistence, Response};

impl Response<'_> {
    /// Appends the head to `out`, and the body unless it is a file. With
    /// `head_only`, for HEAD, no body. Returns which bytes of the file the
    /// caller must send after it.
    pub fn write(
        &self,
        out: &mut Vec<u8>,
        persistence: Persistence,
        head_only: bool,
        clock: &Clock,
    ) -> Range<u64> {
        out.extend_from_slice(b"HTTP/1.1 ");
        out.extend_from_slice(self.status.text().as_bytes());
        out.extend_from_slice(b"\r\n");
        self.write_description(out, clock);
        if let Some((name, value)) = &self.field {
            field(out, name, value);
        }
        field(out, "Date", clock.http().as_bytes());
        match persistence {
            Persistence::KeepAlive => {}
            Persistence::KeepAliveExplicit => {
                field(out, "Connection", b"keep-alive");
            }
            Persistence::Close => field(out, "Connection", b"close"),
        }
        out.extend_from_slice(b"\r\n");
        if head_only {
            return 0..0;
        }
        match &self.body {
            Body::Nothing => {}
            Body::Status => {
                out.extend_from_slice(self.status.text().as_bytes());
                out.push(b'\n');
            }
            Body::Echo(body) => out.extend_from_slice(body),
            Body::File(_, part) => return part.clone(),
        }
        0..0
    }

    /// The fields that describe the body.
    fn write_description(&self, out: &mut Vec<u8>, clock: &Clock) {
        let Some(length) = self.content_length() else { return };
        let media_type = match &self.body {
            Body::File(file, _) => file.media_type(),
            Body::Echo(_) => "application/octet-stream",
            Body::Status | Body::Nothing => "text/plain",
        };
        out.extend_from_slice(b"Content-Type: ");
        out.extend_from_slice(media_type.as_bytes());
        if media_type.starts_with("text/") {
            out.extend_from_slice(b"; charset=utf-8");
        }
        out.extend_from_slice(b"\r\n");
        let mut digits = itoa::Buffer::new();
        field(out, "Content-Length", digits.format(length).as_bytes());
        if let Body::File(file, _) = &self.body {
            out.extend_from_slice(file.fields(clock.second()));
        }
        field(out, "X-Content-Type-Options", b"nosniff");
    }

    /// The value of Content-Length, in bytes. We send none with 204, where it
    /// is forbidden, nor with 304, where it would have to be the file's.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        match &self.body {
            Body::Nothing => None,
            Body::Status => Some(self.status.text().len() as u64 + 1),
            Body::Echo(body) => Some(body.len() as u64),
            Body::File(_, part) => Some(part.end - part.start),
        }
    }
}

fn field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}
