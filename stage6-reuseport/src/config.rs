//! The command line.

use std::net::SocketAddr;
use std::num::NonZero;
use std::path::PathBuf;
use std::thread::available_parallelism;

use clap::builder::RangedI64ValueParser;
use clap::{Parser, value_parser};

/// The most bytes one `send` is given.
pub const MAX_IO: u32 = 1024 * 1024;

/// The longest time-out, in seconds.
const DAY: i64 = 24 * 60 * 60;

/// A static-file HTTP/1.1 server, one of six.
#[derive(Debug, Clone, Parser)]
#[command(version)]
pub struct Config {
    /// Directory to serve
    #[arg(default_value = ".")]
    pub root: PathBuf,

    /// Address to listen on; repeat for several; port 0 picks a free port
    #[arg(long, help_heading = "Listening")]
    #[arg(value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    pub listen: Vec<SocketAddr>,

    /// Do not write an access log
    #[arg(long, help_heading = "Files")]
    pub quiet: bool,

    /// Limit each recv and send to this many bytes; below the default, also
    /// use the smallest socket buffers the kernel allows
    #[arg(long, value_name = "BYTES", help_heading = "Testing",
          default_value_t = MAX_IO,
          value_parser = value_parser!(u32).range(1..=i64::from(MAX_IO)))]
    pub io_limit: u32,

    /// Seconds of silence before the kernel probes a client; 0 means never
    #[arg(long, value_name = "SECONDS", help_heading = "Time-outs",
          default_value = "60",
          value_parser = value_parser!(u32).range(..=32767))]
    pub keepalive_idle: u32,

    /// Seconds between two probes of a client that does not reply
    #[arg(long, value_name = "SECONDS", help_heading = "Time-outs",
          default_value = "10",
          value_parser = value_parser!(u32).range(1..=32767))]
    pub keepalive_interval: u32,

    /// Probes without a reply after which the kernel drops the connection
    #[arg(long, value_name = "N", help_heading = "Time-outs",
          default_value = "6",
          value_parser = value_parser!(u32).range(1..=127))]
    pub keepalive_count: u32,

    /// Receive buffer per connection, in bytes; 0 means kernel autotuning
    #[arg(long, value_name = "BYTES", help_heading = "Tuning",
          default_value = "0",
          value_parser = value_parser!(u32).range(..=1_073_741_823))]
    pub receive_buffer: u32,

    /// Send buffer per connection, in bytes; 0 means kernel autotuning
    #[arg(long, value_name = "BYTES", help_heading = "Tuning",
          default_value = "0",
          value_parser = value_parser!(u32).range(..=1_073_741_823))]
    pub send_buffer: u32,

    /// Seconds for a complete request head, and for a new connection's first
    /// byte
    #[arg(long, value_name = "SECONDS", help_heading = "Time-outs",
          default_value = "10", value_parser = seconds(1))]
    pub head_timeout: u32,

    /// Seconds a request body may make no progress
    #[arg(long, value_name = "SECONDS", help_heading = "Time-outs",
          default_value = "30", value_parser = seconds(1))]
    pub body_timeout: u32,

    /// Seconds a client may accept no response data
    #[arg(long, value_name = "SECONDS", help_heading = "Time-outs",
          default_value = "30", value_parser = seconds(1))]
    pub write_timeout: u32,

    /// Seconds a keep-alive connection may wait for its next request
    #[arg(long, value_name = "SECONDS", help_heading = "Time-outs",
          default_value = "15", value_parser = seconds(1))]
    pub idle_timeout: u32,

    /// Minimum average rate of a body or a response once its time-out has
    /// passed, in bytes per second; 0 means no minimum
    #[arg(long, help_heading = "Limits")]
    #[arg(value_name = "BYTES", default_value = "1024")]
    pub min_rate: u32,

    /// Maximum number of open connections; 0 means three quarters of the
    /// descriptor limit
    #[arg(long, help_heading = "Limits")]
    #[arg(value_name = "N", default_value = "0")]
    pub max_connections: u32,

    /// Maximum number of requests per connection; 0 means no limit
    #[arg(long, help_heading = "Limits")]
    #[arg(value_name = "N", default_value = "1000")]
    pub max_requests: u32,

    /// Seconds that in-flight requests may take after SIGTERM or SIGINT
    #[arg(long, value_name = "SECONDS", help_heading = "Time-outs",
          default_value = "10", value_parser = seconds(0))]
    pub drain_timeout: u32,

    /// Number of event loops, one thread each; 0 means one per available CPU
    #[arg(long, value_name = "N", help_heading = "Tuning",
          default_value = "0",
          value_parser = value_parser!(u16).range(..=1024))]
    pub threads: u16,

    /// Pin each event loop to a CPU
    #[arg(long, help_heading = "Tuning")]
    pub pin_cpus: bool,

    /// Give a new connection to the event loop of the CPU that received it
    #[arg(long, help_heading = "Listening")]
    pub steer_by_cpu: bool,

    /// Maximum number of pending TCP Fast Open requests (RFC 7413); 0 means
    /// off
    #[arg(long, value_name = "N", help_heading = "Listening",
          default_value = "0",
          value_parser = value_parser!(u32).range(..=65_535))]
    pub fast_open: u32,

    /// Seconds before a cached file is checked for changes; 0 means at every
    /// request
    #[arg(long, value_name = "SECONDS", help_heading = "Files",
          default_value = "1", value_parser = seconds(0))]
    pub cache_valid: u32,

    /// Seconds without a request after which a cached file is closed
    #[arg(long, value_name = "SECONDS", help_heading = "Files",
          default_value = "60", value_parser = seconds(1))]
    pub cache_idle: u32,

    /// Maximum number of cached files per event loop, within its share of a
    /// sixteenth of the descriptor limit
    #[arg(long, help_heading = "Files")]
    #[arg(value_name = "N", default_value = "1024")]
    pub cache_files: u32,

    /// Maximum size of small files cached per event loop, in bytes
    #[arg(long, help_heading = "Files")]
    #[arg(value_name = "BYTES", default_value = "16777216")]
    pub cache_bytes: u32,

    /// Seconds the kernel keeps a new connection that has sent nothing; 0
    /// means hand it over at once
    #[arg(long, value_name = "SECONDS", help_heading = "Listening",
          default_value = "1", value_parser = seconds(0))]
    pub defer_accept: u32,
}

impl Config {
    /// The number of event loops to start.
    #[must_use]
    pub fn loops(&self) -> usize {
        match self.threads {
            0 => available_parallelism().map_or(1, NonZero::get),
            threads => threads.into(),
        }
    }
}

/// Accepts a number of seconds between `least` and a day.
fn seconds(least: i64) -> RangedI64ValueParser<u32> {
    RangedI64ValueParser::new().range(least..=DAY)
}
