//! Large files on their way out.

use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::rc::Rc;
use std::time::Instant;

use crate::exchange::Exchange;
use crate::http::{Request, Status};
use crate::site::OpenFile;

/// How many bytes are copied at a time.
const COPY_CHUNK: usize = 64 * 1024;

/// What is to be sent.
pub enum Outgoing<'a> {
    /// Bytes; and whether more is to follow them.
    Bytes(&'a [u8], bool),
    /// Bytes of a file.
    File(&'a mut Transfer),
}

/// A large file on its way out, behind the bytes of the output.
pub struct Transfer {
    /// The file.
    pub found: Rc<OpenFile>,
    /// Where its next byte to be sent is.
    pub offset: u64,
    /// How many bytes are still to be taken from it.
    pub remaining: u64,
    /// Whether it has to be copied: not every file system has `sendfile`.
    pub must_copy: bool,
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
        found: Rc<OpenFile>,
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

impl Exchange {
    /// What is to be sent now, no more than `most` bytes of it.
    pub fn outgoing(&mut self, most: usize) -> Outgoing<'_> {
        let unsent = self.output.get(self.sent..).unwrap_or_default();
        let waiting = self.transfer.as_mut().filter(|file| file.remaining > 0);
        match waiting {
            Some(file) if unsent.is_empty() => Outgoing::File(file),
            waiting => {
                let bytes = unsent.get(..most).unwrap_or(unsent);
                Outgoing::Bytes(bytes, waiting.is_some())
            }
        }
    }

    /// Has the file copied from now on. Returns whether that is something
    /// new: its file system may have no `sendfile(2)`.
    pub fn fall_back_to_copy(&mut self) -> bool {
        match self.outgoing(0) {
            Outgoing::File(file) => {
                !std::mem::replace(&mut file.must_copy, true)
            }
            Outgoing::Bytes(..) => false,
        }
    }
}
