//! A file as HTTP sees it (RFC 9110, section 8).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The last second that HTTP can name: the end of the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;

/// What is known of a file without reading it.
#[derive(Debug, Clone)]
pub struct Representation {
    length: u64,
    modified: SystemTime,
    etag: Vec<u8>,
    media_type: &'static str,
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
        Self { length, modified, etag: etag.into_bytes(), media_type }
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
