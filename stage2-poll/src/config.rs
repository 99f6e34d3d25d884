//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;

/// The most bytes that go in one `send`.
pub const MAX_IO: u32 = 1024 * 1024;

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
}
