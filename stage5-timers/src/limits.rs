//! How long, how slowly and how many.

use std::io;
use std::time::Duration;

use crate::config::Config;
use crate::descriptors::{self, LEAST};

/// How many descriptors a loop has open besides its listeners, connections and
/// files: epoll, the timer, signals and the spare one.
const OF_A_LOOP: usize = 4;

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
    /// How many connections may be open at once.
    pub connections: usize,
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
    let needed = OF_A_LOOP + config.listen.len() + LEAST;
    descriptors::require(needed, "an event loop")?;
    let (asked, most) = (config.max_connections as usize, descriptors(config));
    if asked > most {
        log::warn!("--max-connections {asked}: only {most} descriptors left");
    }
    Ok(())
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

/// By default three quarters of the descriptors are for connections, and the
/// rest is for the files they ask for.
fn connection_limit(config: &Config) -> usize {
    let most = descriptors(config);
    match config.max_connections {
        0 => most / 4 * 3,
        asked => most.min(asked as usize),
    }
}

/// How many descriptors there are for connections and files.
fn descriptors(config: &Config) -> usize {
    descriptors::available().saturating_sub(OF_A_LOOP + config.listen.len())
}
