//! Files that were asked for lately.

use std::num::NonZero;
use std::rc::Rc;
use std::time::Duration;

use lru::LruCache;

use super::{Lookup, OpenFile, Site, state};
use crate::config::Config;
use crate::http::Status;

/// Files up to this size are kept in memory; of larger ones the descriptor is.
const SMALL: u64 = 16 * 1024;

/// The files of one loop, by their decoded path, each open, with what the
/// kernel told of it, the fields that describe it, and the content if it is
/// small.
///
/// There is no lock: every loop has a cache of its own, and a file that is
/// asked for everywhere is in all of them. That is the price, and it is paid
/// once a second.
pub struct Cache {
    files: LruCache<Vec<u8>, Rc<OpenFile>>,
    /// For how long a file is taken to be what it was.
    valid: Duration,
    /// For how long one is kept that nobody asks for.
    idle: Duration,
    /// How many bytes of content there are, and how many there may be.
    bytes: usize,
    max_bytes: usize,
}

impl Cache {
    /// An empty cache for so many files.
    #[must_use]
    pub fn new(files: usize, config: &Config) -> Self {
        let valid = if files == 0 { 0 } else { config.cache_valid };
        let capacity = NonZero::new(files).unwrap_or(NonZero::<usize>::MIN);
        Self {
            files: LruCache::new(capacity),
            valid: Duration::from_secs(valid.into()),
            idle: Duration::from_secs(config.cache_idle.into()),
            bytes: 0,
            max_bytes: config.cache_bytes as usize,
        }
    }

    /// Finds the file for a decoded path, and looks at it again only if that
    /// was not done lately. A file that was replaced, changed, removed or
    /// forbidden meanwhile is noticed then, since it is found by its name
    /// again.
    ///
    /// # Errors
    /// As for [`Site::find`].
    pub fn find(
        &mut self,
        path: &[u8],
        site: &Site,
        now: Duration,
        second: u64,
    ) -> Result<Lookup, Status> {
        if self.valid.is_zero() {
            return site.find(path, second);
        }
        let known = self.files.get(path).map(Rc::clone);
        if let Some(found) = known.as_ref() {
            found.last_used.set(now);
            let recent = now < found.checked.get() + self.valid;
            // Content in memory is the one that the tag names. On the disk it
            // may have been overwritten since, and then the tag is wrong.
            if recent && (found.content.get().is_some() || found.is_current()) {
                return Ok(Lookup::File(Rc::clone(found)));
            }
        }
        let looked = site.find(path, second);
        match (known, &looked) {
            (Some(known), Ok(Lookup::File(found)))
                if known.is_unchanged(found) =>
            {
                known.checked.set(now);
                return Ok(Lookup::File(known));
            }
            (_, Ok(Lookup::File(found))) => self.insert(path, found, now),
            (Some(known), _) => {
                self.files.pop(path);
                self.bytes -= known.content_len();
            }
            (None, _) => {}
        }
        looked
    }

    /// Keeps a file, and lets go of those that were not asked for the longest.
    fn insert(&mut self, path: &[u8], found: &Rc<OpenFile>, now: Duration) {
        found.checked.set(now);
        found.last_used.set(now);
        let length = found.representation.length();
        let mut content = Vec::new();
        if length <= SMALL
            && found.append(0..length, &mut content)
            && found.is_current()
        {
            // It is empty: nobody else has this file yet.
            let _ = found.content.set(content);
        }
        self.bytes += found.content_len();
        let found = Rc::clone(found);
        if let Some((_, old)) = self.files.push(path.to_vec(), found) {
            self.bytes -= old.content_len();
        }
        while self.bytes > self.max_bytes && self.evict_oldest() {}
    }

    /// When the file that nobody has asked for the longest is to go.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let (_, oldest) = self.files.peek_lru()?;
        Some(oldest.last_used.get() + self.idle)
    }

    /// Lets go of what nobody has asked for in a while. A file that is deleted
    /// takes up its room on the disk until nobody has it open, and a file
    /// system can't be unmounted before that either.
    pub fn evict_idle(&mut self, now: Duration) {
        while self.deadline().is_some_and(|at| at <= now) {
            self.evict_oldest();
        }
    }

    /// Evicts everything.
    pub fn clear(&mut self) {
        while self.evict_oldest() {}
    }

    /// Returns whether there was one.
    fn evict_oldest(&mut self) -> bool {
        let oldest = self.files.pop_lru();
        let length = oldest.as_ref().map_or(0, |(_, file)| file.content_len());
        self.bytes -= length;
        oldest.is_some()
    }
}

impl OpenFile {
    /// Whether `other`, found by the same name later, is the same file,
    /// unchanged. That cannot be told of a file with a weak tag: it may have
    /// been changed twice within one tick of the clock.
    fn is_unchanged(&self, other: &Self) -> bool {
        let settled = self.representation.strong_tag().is_some();
        settled && self.state == other.state
    }

    /// Whether the open file is still in the state that its tag stands for.
    fn is_current(&self) -> bool {
        let metadata = self.file.metadata();
        metadata.is_ok_and(|metadata| state(&metadata) == self.state)
    }

    /// How many bytes of content it keeps.
    fn content_len(&self) -> usize {
        self.content.get().map_or(0, Vec::len)
    }
}
