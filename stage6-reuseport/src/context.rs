//! What the connections of one thread share.

use std::fmt::Debug;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

use crate::access_log::AccessLog;
use crate::config::Config;
use crate::http::{Clock, Status};
use crate::limits::Limits;
use crate::site::{Cache, Lookup, Site};
use crate::timers;

/// The size of the receive buffer, in bytes.
const RECV_BUFFER: usize = 16 * 1024;

/// Files, log, clock and buffers, shared by the connections of one thread.
pub struct Context {
    /// The site to serve.
    pub site: Site,
    root: PathBuf,
    /// Recently requested files.
    pub cache: Cache,
    /// The access log.
    pub log: AccessLog,
    /// The time of day, for dates.
    pub clock: Clock,
    /// When this iteration began, for deadlines.
    pub now: Duration,
    /// The limits on clients.
    pub limits: Limits,
    /// An empty output buffer, passed from one connection to the next: a
    /// connection with nothing to send holds none, and no request allocates.
    pub spare_output: Vec<u8>,
    /// The receive buffer.
    pub recv_buffer: Vec<u8>,
    /// The most bytes passed to one `send`.
    pub io_limit: usize,
    /// Number of responses so far.
    pub responses: u64,
    /// Bytes received since the last trace line.
    pub received: usize,
    /// Bytes sent since the last trace line.
    pub sent: usize,
}

impl Context {
    /// The context of a new thread.
    #[must_use]
    pub fn new(site: Site, config: &Config) -> Self {
        let io_limit = config.io_limit as usize;
        let limits = Limits::new(config);
        Self {
            site,
            root: config.root.clone(),
            cache: Cache::new(limits.files, config),
            log: AccessLog::new(!config.quiet),
            clock: Clock::default(),
            now: timers::now(),
            limits,
            spare_output: Vec::new(),
            recv_buffer: vec![0; io_limit.min(RECV_BUFFER)],
            io_limit,
            responses: 0,
            received: 0,
            sent: 0,
        }
    }

    /// Finds the file for a decoded path, in the cache or on disk.
    ///
    /// # Errors
    /// As for [`Site::find`].
    pub fn find(&mut self, path: &[u8]) -> Result<Lookup, Status> {
        self.cache.find(path, &self.site, self.now, self.clock.second())
    }

    /// Opens the root again by its name, for a directory that was replaced. If
    /// that fails, the old one stays. Responses in flight keep their files.
    pub fn reopen_root(&mut self) {
        match Site::open(&self.root) {
            Ok(site) => self.site = site,
            Err(error) => {
                let root = self.root.display();
                log::warn!("cannot reopen {root}, keeping the old: {error}");
            }
        }
        self.cache.clear();
    }

    /// Writes a trace line: one event and what it led to (`RUST_LOG=trace`).
    pub fn trace(&mut self, fd: &OwnedFd, event: &dyn Debug, next: &dyn Debug) {
        let received = std::mem::take(&mut self.received);
        let sent = std::mem::take(&mut self.sent);
        let fd = fd.as_raw_fd();
        log::trace!(
            "fd {fd}: {event:?}: received {received}, sent {sent}, now {next:?}"
        );
    }
}
