//! Sending large files.

use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::time::Instant;

use crate::http::{Request, Status};
use crate::site::OpenFile;

/// How many bytes are copied at a time.
const COPY_CHUNK: usize = 64 * 1024;

/// What to send next.
pub enum Outgoing<'a> {
    /// Bytes, and whether a file follows them.
    Bytes(&'a [u8], bool),
    /// The next bytes of a file.
    File(&'a mut Transfer),
}

/// A large file, sent after the bytes of the output.
pub struct Transfer {
    /// The file.
    pub found: OpenFile,
    /// The offset of the next byte to send.
    pub offset: u64,
    /// How many bytes are left to send.
    pub remaining: u64,
    /// Whether we must copy: not every file system supports `sendfile`.
    pub must_copy: bool,
    /// How many bytes the head promised.
    pub length: u64,
    /// The request line, for the access log.
    pub request: Vec<u8>,
    /// The status, for the access log.
    pub status: Status,
    /// When the response began, for the access log.
    pub started: Instant,
}

impl Transfer {
    /// A transfer of `part` of a file, in response to `request`.
    #[must_use]
    pub fn new(
        found: OpenFile,
        part: Range<u64>,
        request: &Request,
        status: Status,
        started: Instant,
    ) -> Self {
        let length = part.end - part.start;
        Self {
            found,
            offset: part.start,
            remaining: length,
            must_copy: false,
            length,
            request: request.line.to_vec(),
            status,
            started,
        }
    }

    /// Copies the next chunk to `out`, which is empty.
    ///
    /// # Errors
    /// If the file cannot be read, or is now shorter than the head promised.
    /// Closing the connection is the only way left to tell the client.
    pub fn copy(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        let chunk = usize::try_from(self.remaining).unwrap_or(COPY_CHUNK);
        out.resize(chunk.min(COPY_CHUNK), 0);
        let count = self.found.file.read_at(out, self.offset)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        out.truncate(count);
        self.offset += count as u64;
        self.remaining -= count as u64;
        Ok(())
    }
}
