//! Files that were asked for lately.

use std::num::NonZero;
use std::os::unix::fs::MetadataExt;
use std::rc::Rc;
use std::time::Duration;

use lru::LruCache;

use super::{Found, Lookup, Site};
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
    files: LruCache<Vec<u8>, Rc<Found>>,
    /// For how long a file is taken to be what it was.
    age: Duration,
    /// For how long one is kept that nobody asks for.
    idle: Duration,
    /// How many bytes of content there are, and how many there may be.
    bytes: usize,
    most: usize,
}

impl Cache {
    /// An empty cache for so many files.
    #[must_use]
    pub fn new(files: usize, config: &Config) -> Self {
        let age = if files == 0 { 0 } else { config.cache_seconds };
        let room = NonZero::new(files).unwrap_or(NonZero::<usize>::MIN);
        Self {
            files: LruCache::new(room),
            age: Duration::from_secs(age.into()),
            idle: Duration::from_secs(config.cache_idle.into()),
            bytes: 0,
            most: config.cache_bytes as usize,
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
    ) -> Result<Lookup, Status> {
        if self.age.is_zero() {
            return site.find(path);
        }
        let known = self.files.get(path).map(Rc::clone);
        if let Some(found) = known.as_ref() {
            found.asked.set(now);
            if now < found.looked.get() + self.age {
                return Ok(Lookup::File(Rc::clone(found)));
            }
        }
        let looked = site.find(path);
        match (known, &looked) {
            (Some(known), Ok(Lookup::File(found))) if known.is(found) => {
                known.looked.set(now);
                return Ok(Lookup::File(known));
            }
            (_, Ok(Lookup::File(found))) => self.put(path, found, now),
            (Some(known), _) => {
                self.files.pop(path);
                self.bytes -= known.room();
            }
            (None, _) => {}
        }
        looked
    }

    /// Keeps a file, and lets go of those that were not asked for the longest.
    fn put(&mut self, path: &[u8], found: &Rc<Found>, now: Duration) {
        found.looked.set(now);
        found.asked.set(now);
        let length = found.representation.length();
        let mut content = Vec::new();
        if length <= SMALL && found.append(0..length, &mut content) {
            // It is empty: nobody else has this file yet.
            let _ = found.content.set(content);
        }
        self.bytes += found.room();
        let found = Rc::clone(found);
        if let Some((_, old)) = self.files.push(path.to_vec(), found) {
            self.bytes -= old.room();
        }
        while self.bytes > self.most && self.drop_oldest() {}
    }

    /// When the file that nobody has asked for the longest is to go.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let (_, oldest) = self.files.peek_lru()?;
        Some(oldest.asked.get() + self.idle)
    }

    /// Lets go of what nobody has asked for in a while. A file that is deleted
    /// takes up its room on the disk until nobody has it open, and a file
    /// system can't be unmounted before that either.
    pub fn forget(&mut self, now: Duration) {
        while self.deadline().is_some_and(|at| at <= now) {
            self.drop_oldest();
        }
    }

    /// Returns whether there was one.
    fn drop_oldest(&mut self) -> bool {
        let oldest = self.files.pop_lru();
        let room = oldest.as_ref().map_or(0, |(_, file)| file.room());
        self.bytes -= room;
        oldest.is_some()
    }
}

impl Found {
    /// Whether `other`, found by the same name, is the same file, unchanged.
    /// The time of the last change of status is set by the kernel alone, at
    /// each write, rename or change of permissions.
    fn is(&self, other: &Self) -> bool {
        let facts = |found: &Self| {
            let file = &found.metadata;
            let inode = (file.dev(), file.ino(), file.len());
            let modified = (file.mtime(), file.mtime_nsec());
            (inode, modified, (file.ctime(), file.ctime_nsec()))
        };
        facts(self) == facts(other)
    }

    /// How many bytes of content it keeps.
    fn room(&self) -> usize {
        self.content.get().map_or(0, Vec::len)
    }
}
