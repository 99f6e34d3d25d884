//! All limits on a client's time and memory.

use std::io;
use std::time::Duration;

use crate::config::Config;
use crate::descriptors::{self, LEAST};

/// How many descriptors a loop has open besides its listeners, connections and
/// files: epoll, the timer, signals and the spare one.
const OF_A_LOOP: usize = 4;

/// The limits.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Time until the first byte of a new connection.
    pub first_byte: Duration,
    /// Time for a head, from its first byte.
    pub head: Duration,
    /// How long a request body may make no progress.
    pub body: Duration,
    /// How long a client may accept no response data.
    pub write: Duration,
    /// How long a connection may be idle between requests.
    pub idle: Duration,
    /// Minimum rate of bodies and responses, in bytes per second.
    pub min_rate: u64,
    /// Maximum number of open connections in this loop.
    pub connections: usize,
    /// Maximum number of cached open files.
    pub files: usize,
    /// Number of event loops.
    pub loops: usize,
    /// Maximum number of requests per connection.
    pub requests: u32,
    /// How long requests in flight may take during shutdown.
    pub drain: Duration,
}

impl Limits {
    /// The limits from the command line.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let seconds = |count: u32| Duration::from_secs(count.into());
        Self {
            first_byte: seconds(config.head_timeout),
            head: seconds(config.head_timeout),
            body: seconds(config.body_timeout),
            write: seconds(config.write_timeout),
            idle: seconds(config.idle_timeout),
            min_rate: config.min_rate.into(),
            connections: connection_limit(config),
            files: cache_limit(config),
            loops: config.loops(),
            requests: match config.max_requests {
                0 => u32::MAX,
                most => most,
            },
            drain: seconds(config.drain_timeout),
        }
    }
}

/// Checks that the limits fit into the descriptors that are allowed.
///
/// # Errors
/// If hardly any connection would fit.
pub fn check(config: &Config) -> io::Result<()> {
    let loops = config.loops();
    let needed = loops * (OF_A_LOOP + config.listen.len() + LEAST);
    descriptors::require(needed, format_args!("{loops} event loops"))?;
    let most = loops * descriptors(config);
    let asked = config.max_connections as usize;
    if asked > most {
        log::warn!("--max-connections {asked}: only {most} descriptors left");
    }
    Ok(())
}

/// Returns freed memory to the kernel. The C library would otherwise keep
/// megabytes of it for reuse (mallopt(3), `M_TRIM_THRESHOLD`).
pub fn release_memory() {
    // SAFETY: it touches no memory that is in use.
    #[cfg(target_env = "gnu")]
    #[allow(unsafe_code)]
    unsafe {
        libc::malloc_trim(0);
    }
}

/// By default three quarters of the descriptors are for connections, and the
/// rest is for the files they ask for.
fn connection_limit(config: &Config) -> usize {
    let most = descriptors(config);
    match config.max_connections {
        0 => most / 4 * 3,
        asked => most.min((asked as usize).div_ceil(config.loops())),
    }
}

/// At most a sixteenth of the descriptors is for cached files.
fn cache_limit(config: &Config) -> usize {
    (config.cache_files as usize).min(descriptors(config) / 16)
}

/// How many descriptors one loop has for connections and files.
fn descriptors(config: &Config) -> usize {
    let share = descriptors::available() / config.loops();
    share.saturating_sub(OF_A_LOOP + config.listen.len())
}
