//! How long, how slowly and how many.

use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::config::Config;

/// How many descriptors are neither connections nor files: the three streams,
/// the root, listeners, epoll, the timer, signals and the reserve.
const OWN_DESCRIPTORS: usize = 16;

/// What a client may take of our time and room.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How long a new connection may wait until its first byte.
    pub first_byte: Duration,
    /// How long a head may take from then on.
    pub head: Duration,
    /// For how long nothing may come of a request's content.
    pub body: Duration,
    /// For how long nothing may be taken of an answer.
    pub write: Duration,
    /// How long a connection may wait for its next request.
    pub idle: Duration,
    /// The least rate of content and answers, in bytes a second.
    pub min_rate: u64,
    /// How many connections may be open at once, in this loop.
    pub connections: usize,
    /// How many files may be kept open in case they are asked for again.
    pub files: usize,
    /// How many loops the server has.
    pub loops: usize,
    /// How many requests one connection may make.
    pub requests: u32,
    /// How long answers may take after the server was told to stop.
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

/// Raises the number of descriptors that this process may have to the most
/// it may ask for: the soft limit is 1024 in most places, for the sake of
/// programs that call `select(2)`, and the hard one is the administrator's.
pub fn raise_descriptor_limit() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard));
    if let Err(error) = raised {
        log::warn!("cannot raise the number of descriptors: {error}");
    }
}

/// Has the C library give the kernel back what was freed. By itself it keeps
/// megabytes of that, to have them at hand (mallopt(3), `M_TRIM_THRESHOLD`).
pub fn release_memory() {
    // SAFETY: it touches nothing that is in use.
    #[cfg(target_env = "gnu")]
    #[allow(unsafe_code)]
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Unless it is said, three quarters of the descriptors may be connections.
/// The rest is for the files they ask for.
fn connection_limit(config: &Config) -> usize {
    match config.max_connections {
        0 => descriptors(config) / 4 * 3,
        asked => (asked as usize).div_ceil(config.loops()),
    }
}

/// A sixteenth of the descriptors may be files that nobody is being sent.
fn cache_limit(config: &Config) -> usize {
    (config.cache_files as usize).min(descriptors(config) / 16)
}

/// How many descriptors there are for the clients of one loop.
fn descriptors(config: &Config) -> usize {
    let limit =
        getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(soft, _)| soft);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    (limit / config.loops()).saturating_sub(OWN_DESCRIPTORS)
}
