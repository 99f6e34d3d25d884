//! A file as HTTP sees it (RFC 9110, section 8).

use std::cell::OnceCell;
use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use httpdate::HttpDate;

/// The last second that HTTP can name: the end of the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;

/// About how long the fields are that describe a file, in bytes.
const FIELDS: usize = 128;

/// What is known of a file without reading it.
#[derive(Debug, Clone)]
pub struct Representation {
    length: u64,
    modified: SystemTime,
    etag: Vec<u8>,
    media_type: &'static str,
    fields: OnceCell<Vec<u8>>,
}

impl Representation {
    /// Describes a file of `length` bytes, last modified `seconds` and
    /// `nanoseconds` after 1970.
    ///
    /// The entity tag is made of both, to the nanosecond: a file changed
    /// twice within a second gets two tags, so the tag is a strong one.
    #[must_use]
    pub fn new(
        length: u64,
        seconds: i64,
        nanoseconds: i64,
        media_type: &'static str,
    ) -> Self {
        let whole = u64::try_from(seconds).unwrap_or(0).min(LAST_SECOND);
        let modified = UNIX_EPOCH + Duration::from_secs(whole);
        let etag = format!("\"{seconds:x}.{nanoseconds:x}-{length:x}\"");
        let (etag, fields) = (etag.into_bytes(), OnceCell::new());
        Self { length, modified, etag, media_type, fields }
    }

    /// Its validators as they are written in an answer, made when they are
    /// first needed, and its readiness to be sent in parts. A file from the
    /// future must not be dated later than the answer (RFC 9110, section
    /// 8.8.2.1), which is given `now`.
    pub fn fields(&self, now: SystemTime) -> &[u8] {
        self.fields.get_or_init(|| {
            let modified = HttpDate::from(self.modified.min(now));
            let mut text = Vec::with_capacity(FIELDS);
            // Writing into a Vec cannot fail.
            let _ = write!(text, "Last-Modified: {modified}\r\nETag: ");
            text.extend_from_slice(&self.etag);
            text.extend_from_slice(b"\r\nAccept-Ranges: bytes\r\n");
            text
        })
    }

    /// Its media type, without a charset: text is taken to be UTF-8.
    #[must_use]
    pub fn media_type(&self) -> &'static str {
        self.media_type
    }

    /// Its length in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// When it was last modified, in whole seconds, as HTTP counts.
    #[must_use]
    pub fn modified(&self) -> SystemTime {
        self.modified
    }

    /// Its entity tag, with the quotes.
    #[must_use]
    pub fn etag(&self) -> &[u8] {
        &self.etag
    }
}
