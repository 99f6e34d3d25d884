//! A file as HTTP sees it (RFC 9110, section 8).

use std::cell::OnceCell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use httpdate::HttpDate;

/// The last second that HTTP can name: the end of the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;

/// How long after a change a second one may get the same timestamp, in
/// seconds. ext4 counts in ticks of some milliseconds, FAT in 2 s.
const COARSEST_CLOCK: u64 = 2;

/// About how long the fields are that describe a file, in bytes.
const FIELDS: usize = 128;

/// The length of the first of them, which is always the same.
const LAST_MODIFIED: usize =
    "Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT\r\n".len();

/// What distinguishes two states of a file, from fstat(2). Times are seconds
/// and nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct FileState {
    pub device: u64,
    pub inode: u64,
    pub length: u64,
    /// The last write, unless utimensat(2) has set it since: `cp -p`, `rsync
    /// -t` and `tar` set it to an old time.
    pub modified: (i64, i64),
    /// The last change of content, name or metadata. Only the kernel sets it.
    pub changed: (i64, i64),
}

/// What is known of a file without reading it.
#[derive(Debug, Clone)]
pub struct Representation {
    length: u64,
    modified: u64,
    date_is_strong: bool,
    etag: Vec<u8>,
    media_type: &'static str,
    fields: OnceCell<Vec<u8>>,
}

impl Representation {
    /// Describes a file that was in this state at second `now` since 1970.
    ///
    /// The entity tag covers the whole state: length and modification time
    /// alone survive a replacement by `cp -p`. It is a hash, since inode
    /// numbers are nobody else's business, and it is weak while the file could
    /// still change without a new timestamp (RFC 9110, section 8.8.1).
    #[must_use]
    pub fn new(state: &FileState, now: u64, media_type: &'static str) -> Self {
        let seconds = |time: i64| u64::try_from(time).unwrap_or(0);
        let changed = seconds(state.changed.0);
        let settled = changed.saturating_add(COARSEST_CLOCK) <= now;
        let mut hasher = DefaultHasher::new();
        state.hash(&mut hasher);
        let (weak, hash) = (if settled { "" } else { "W/" }, hasher.finish());
        let etag = format!("{weak}\"{:x}-{hash:016x}\"", state.length);
        Self {
            length: state.length,
            // A file is not modified after its last change: a later time was
            // set by hand, and would move with the clock if it were sent.
            modified: seconds(state.modified.0).min(changed).min(LAST_SECOND),
            date_is_strong: settled && state.modified.0 == state.changed.0,
            etag: etag.into_bytes(),
            media_type,
            fields: OnceCell::new(),
        }
    }

    /// Its validators as a response at second `now` has them, and
    /// Accept-Ranges. Formatted when first needed.
    pub fn fields(&self, now: u64) -> &[u8] {
        let text = self.fields.get_or_init(|| {
            let date = UNIX_EPOCH + Duration::from_secs(self.modified);
            let modified = HttpDate::from(date);
            let mut text = Vec::with_capacity(FIELDS);
            // Writing into a Vec cannot fail.
            let _ = write!(text, "Last-Modified: {modified}\r\nETag: ");
            text.extend_from_slice(&self.etag);
            text.extend_from_slice(b"\r\nAccept-Ranges: bytes\r\n");
            text
        });
        let start = if self.modified > now { LAST_MODIFIED } else { 0 };
        text.get(start..).unwrap_or_default()
    }

    /// Its media type, without a charset: we assume that text is UTF-8.
    #[must_use]
    pub fn media_type(&self) -> &'static str {
        self.media_type
    }

    /// Its length in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// When it was last modified, in whole seconds, as HTTP counts. `None` if
    /// that is later than `now`, because the clock was set back: such a date
    /// must not be sent (RFC 9110, section 8.8.2.1), so none may be compared.
    #[must_use]
    pub fn modified(&self, now: u64) -> Option<SystemTime> {
        let date = UNIX_EPOCH + Duration::from_secs(self.modified);
        (self.modified <= now).then_some(date)
    }

    /// Whether its date belongs to this content alone: it is the kernel's own
    /// time of the last change, and that second is over. Whether the client's
    /// copy is from after that second, only the client knows, and must check
    /// before it sends the date in If-Range (RFC 9110, section 8.8.2.2).
    #[must_use]
    pub fn date_is_strong(&self) -> bool {
        self.date_is_strong
    }

    /// Its entity tag, as it is sent.
    #[must_use]
    pub fn etag(&self) -> &[u8] {
        &self.etag
    }

    /// Its entity tag without the mark of a weak one.
    #[must_use]
    pub fn opaque_tag(&self) -> &[u8] {
        self.etag.strip_prefix(b"W/").unwrap_or(&self.etag)
    }

    /// Its entity tag, if that is a strong one.
    #[must_use]
    pub fn strong_tag(&self) -> Option<&[u8]> {
        Some(self.etag()).filter(|tag| tag.starts_with(b"\""))
    }
}
