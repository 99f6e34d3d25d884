//! The command line.

use std::net::SocketAddr;
use std::num::NonZero;
use std::path::PathBuf;
use std::thread::available_parallelism;

use clap::Parser;

/// The most bytes that go in one `send`.
pub const MAX_IO: u32 = 1024 * 1024;

/// The longest time that can be asked for, in seconds.
const DAY: i64 = 24 * 60 * 60;

/// A static-file HTTP/1.1 server, one of six.
#[derive(Debug, Clone, Parser)]
#[command(version)]
pub struct Config {
    /// The folder to serve
    #[arg(default_value = ".")]
    pub root: PathBuf,

    /// Where to listen; may be given again; port 0 picks a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    pub listen: Vec<SocketAddr>,

    /// Write no access log
    #[arg(long)]
    pub quiet: bool,

    /// Receive and send at most so many bytes at a time; if fewer than the
    /// default, also through the smallest buffers that the kernel has. Slow,
    /// but nothing comes or goes in one piece
    #[arg(long, value_name = "BYTES", default_value_t = MAX_IO,
          value_parser = clap::value_parser!(u32)
              .range(1..=i64::from(MAX_IO)))]
    pub io_limit: u32,

    /// After how long without a byte from the client the kernel asks whether
    /// it is still there, in seconds; 0 is never
    #[arg(long, value_name = "SECONDS", default_value = "60",
          value_parser = clap::value_parser!(u32).range(..=32767))]
    pub keepalive_idle: u32,

    /// How long to wait before asking again, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "10",
          value_parser = clap::value_parser!(u32).range(1..=32767))]
    pub keepalive_interval: u32,

    /// After how many questions without an answer it counts as gone
    #[arg(long, value_name = "N", default_value = "6",
          value_parser = clap::value_parser!(u32).range(1..=127))]
    pub keepalive_count: u32,

    /// The size of a connection's receive buffer, in bytes; 0 lets the kernel
    /// fit it to the path
    #[arg(long, value_name = "BYTES", default_value = "0",
          value_parser = clap::value_parser!(u32).range(..=1_073_741_823))]
    pub receive_buffer: u32,

    /// The size of a connection's send buffer, in bytes; 0 lets the kernel
    /// fit it to the path
    #[arg(long, value_name = "BYTES", default_value = "0",
          value_parser = clap::value_parser!(u32).range(..=1_073_741_823))]
    pub send_buffer: u32,

    /// How long a request head may take from its first byte, and a new
    /// connection until that byte, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "10",
          value_parser = clap::value_parser!(u32).range(1..=DAY))]
    pub head_timeout: u32,

    /// For how long nothing may come of a request's content, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "30",
          value_parser = clap::value_parser!(u32).range(1..=DAY))]
    pub body_timeout: u32,

    /// For how long a client may take nothing of its answer, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "30",
          value_parser = clap::value_parser!(u32).range(1..=DAY))]
    pub write_timeout: u32,

    /// How long a connection may wait for its next request, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "15",
          value_parser = clap::value_parser!(u32).range(1..=DAY))]
    pub idle_timeout: u32,

    /// How many bytes a second content has to come and answers have to go,
    /// on average, once their time-out has passed; 0 is any number
    #[arg(long, value_name = "BYTES", default_value = "1024")]
    pub min_rate: u32,

    /// How many connections may be open; 0 is three quarters of the
    /// descriptors that the process may have
    #[arg(long, value_name = "N", default_value = "0")]
    pub max_connections: u32,

    /// How many requests one connection may make; 0 is any number
    #[arg(long, value_name = "N", default_value = "1000")]
    pub max_requests: u32,

    /// How long answers may still take after SIGTERM, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "10",
          value_parser = clap::value_parser!(u32).range(..=DAY))]
    pub drain_timeout: u32,

    /// How many loops, each in a thread of its own; 0 is one for each
    /// processor that the process may run on
    #[arg(long, value_name = "N", default_value = "0",
          value_parser = clap::value_parser!(u16).range(..=1024))]
    pub threads: u16,

    /// Keep each loop on a processor of its own
    #[arg(long)]
    pub pin_cpus: bool,

    /// Give each new connection to the loop with the number of the processor
    /// that its first packet came in on
    #[arg(long)]
    pub steer_by_cpu: bool,

    /// How many connections may wait for the end of their handshake with a
    /// request in it (TCP Fast Open, RFC 7413); 0 allows none
    #[arg(long, value_name = "N", default_value = "0",
          value_parser = clap::value_parser!(u32).range(..=65_535))]
    pub fast_open: u32,

    /// For how long a file is taken to be what it was, in seconds; 0 looks
    /// at it for each request
    #[arg(long, value_name = "SECONDS", default_value = "1",
          value_parser = clap::value_parser!(u32).range(..=DAY))]
    pub cache_valid: u32,

    /// For how long a file stays open that nobody asks for, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "60",
          value_parser = clap::value_parser!(u32).range(1..=DAY))]
    pub cache_idle: u32,

    /// How many files each loop may remember; no more than its share of a
    /// sixteenth of the descriptors
    #[arg(long, value_name = "N", default_value = "1024")]
    pub cache_files: u32,

    /// How many bytes of small files each loop may remember
    #[arg(long, value_name = "BYTES", default_value = "16777216")]
    pub cache_bytes: u32,

    /// For how long a connection without a byte is no connection yet, in
    /// seconds; 0 turns that off
    #[arg(long, value_name = "SECONDS", default_value = "1",
          value_parser = clap::value_parser!(u32).range(..=DAY))]
    pub defer_accept: u32,
}

impl Config {
    /// How many loops there are to be.
    #[must_use]
    pub fn loops(&self) -> usize {
        match self.threads {
            0 => available_parallelism().map_or(1, NonZero::get),
            asked => asked.into(),
        }
    }
}
