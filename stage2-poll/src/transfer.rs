//! Large files on their way out.

use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::time::Instant;

use crate::http::{Request, Status};
use crate::site::OpenFile;

/// How many bytes are copied at a time.
const COPY_CHUNK: usize = 64 * 1024;

/// A large file on its way out, behind the bytes of the output.
pub struct Transfer {
    /// The file.
    pub found: OpenFile,
    /// Where its next byte to be sent is.
    pub offset: u64,
    /// How many bytes are still to be taken from it.
    pub remaining: u64,
    /// How many bytes were promised.
    pub length: u64,
    /// The request line, for the access log.
    pub request: Vec<u8>,
    /// The status, likewise.
    pub status: Status,
    /// When the answer began, likewise.
    pub started: Instant,
}

impl Transfer {
    /// Promises `part` of a file in answer to `request`.
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
            length,
            request: request.line.to_vec(),
            status,
            started,
        }
    }

    /// Copies the next piece to `out`, which is empty.
    ///
    /// # Errors
    /// If the file can't be read, or has become shorter than was promised.
    /// Nothing can be sent in place of what is missing: to break off the
    /// connection is the only way to say so.
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
