//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, value_parser};

/// The most bytes one `send` is given.
pub const MAX_IO: u32 = 1024 * 1024;

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
}
