//! What the connections of one thread share.

use std::fmt::Debug;
use std::os::fd::{AsRawFd, OwnedFd};

use crate::access_log::AccessLog;
use crate::config::Config;
use crate::http::Clock;
use crate::site::Site;

/// The size of the receive buffer, in bytes.
const RECV_BUFFER: usize = 16 * 1024;

/// Files, log, clock and buffers, shared by the connections of one thread.
pub struct Context {
    /// The site to serve.
    pub site: Site,
    /// The access log.
    pub log: AccessLog,
    /// The time of day, for dates.
    pub clock: Clock,
    /// An empty output buffer, passed from one connection to the next: a
    /// connection with nothing to send holds none, and no request allocates.
    pub spare_output: Vec<u8>,
    /// The receive buffer.
    pub recv_buffer: Vec<u8>,
    /// The most bytes passed to one `send`.
    pub io_limit: usize,
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
        Self {
            site,
            log: AccessLog::new(!config.quiet),
            clock: Clock::default(),
            spare_output: Vec::new(),
            recv_buffer: vec![0; io_limit.min(RECV_BUFFER)],
            io_limit,
            received: 0,
            sent: 0,
        }
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
