//! The open-file cache: recently requested files.

use std::num::NonZero;
use std::rc::Rc;
use std::time::Duration;

use lru::LruCache;

use super::{Lookup, OpenFile, Site, state};
use crate::config::Config;
use crate::http::Status;

/// Files up to this size are kept in memory; larger ones only stay open.
const SMALL: u64 = 16 * 1024;

/// The cached files of one loop by their decoded path: each open, with its
/// header fields and, if it is small, its content.
///
/// There is no lock, since every loop has its own cache. The price: a popular
/// file is in all of them, and each loop revalidates it once a second.
pub struct Cache {
    files: LruCache<Vec<u8>, Rc<OpenFile>>,
    /// How long a file is used without revalidation.
    valid: Duration,
    /// How long a file is kept without a request.
    idle: Duration,
    /// Bytes of cached content, and their maximum.
    bytes: usize,
    max_bytes: usize,
}

impl Cache {
    /// An empty cache for up to `files` files.
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

    /// Finds the file for a decoded path, and revalidates it if its time is up:
    /// it is opened by its name again, so a file that was replaced, changed,
    /// removed or forbidden is noticed.
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

    /// Caches a file, and evicts the least recently used ones if needed.
    fn insert(&mut self, path: &[u8], found: &Rc<OpenFile>, now: Duration) {
        found.checked.set(now);
        found.last_used.set(now);
        let length = found.representation.length();
        let mut content = Vec::new();
        if length <= SMALL
            && found.append(0..length, &mut content)
            && found.is_current()
        {
            // The cell is empty: nobody else has this file yet.
            let _ = found.content.set(content);
        }
        self.bytes += found.content_len();
        let found = Rc::clone(found);
        if let Some((_, old)) = self.files.push(path.to_vec(), found) {
            self.bytes -= old.content_len();
        }
        while self.bytes > self.max_bytes && self.evict_oldest() {}
    }

    /// When the least recently used file is due for eviction.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let (_, oldest) = self.files.peek_lru()?;
        Some(oldest.last_used.get() + self.idle)
    }

    /// Evicts files that have had no request for a while. A deleted file
    /// occupies its disk space, and a file system cannot be unmounted, while
    /// somebody has the file open.
    pub fn evict_idle(&mut self, now: Duration) {
        while self.deadline().is_some_and(|at| at <= now) {
            self.evict_oldest();
        }
    }

    /// Evicts everything.
    pub fn clear(&mut self) {
        while self.evict_oldest() {}
    }

    /// Evicts one file, if there is one. Returns whether there was.
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

    /// Bytes of cached content.
    fn content_len(&self) -> usize {
        self.content.get().map_or(0, Vec::len)
    }
}
