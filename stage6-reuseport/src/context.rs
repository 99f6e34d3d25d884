//! What a thread has one of, for all the connections it serves.

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

/// How many bytes one `recv` may bring.
const RECV_BUFFER: usize = 16 * 1024;

/// Files, log, clock and buffers, lent to each connection in turn.
pub struct Context {
    /// The files.
    pub site: Site,
    root: PathBuf,
    /// Those of them that were asked for lately.
    pub cache: Cache,
    /// The lines about them.
    pub log: AccessLog,
    /// The time of day.
    pub clock: Clock,
    /// The time at which this turn of the loop began, for deadlines.
    pub now: Duration,
    /// What clients may take.
    pub limits: Limits,
    /// An empty output buffer, passed from one connection to the next: who
    /// has nothing to send holds none, and no request has to allocate one.
    pub spare_output: Vec<u8>,
    /// Where `recv` puts what it brings.
    pub recv_buffer: Vec<u8>,
    /// How many bytes one `send` may take.
    pub io_limit: usize,
    /// Requests answered.
    pub responses: u64,
    /// Bytes received since the last narration.
    pub received: usize,
    /// Bytes sent since the last narration.
    pub sent: usize,
}

impl Context {
    /// What a new thread starts with.
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

    /// Finds the file for a decoded path, perhaps without the kernel's help.
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

    /// Tells at `RUST_LOG=trace`, in one line, what became of one event.
    pub fn trace(&mut self, fd: &OwnedFd, event: &dyn Debug, next: &dyn Debug) {
        let received = std::mem::take(&mut self.received);
        let sent = std::mem::take(&mut self.sent);
        let fd = fd.as_raw_fd();
        log::trace!(
            "fd {fd}: {event:?}: {received} bytes in, {sent} out, now {next:?}"
        );
    }
}
