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

    /// Threads per address; each serves one client at a time
    #[arg(long, value_name = "N", help_heading = "Tuning",
          default_value = "64", value_parser = value_parser!(u16).range(1..))]
    pub threads: u16,

    /// Seconds one recv may wait for data; 0 means no limit
    #[arg(long, help_heading = "Time-outs")]
    #[arg(value_name = "SECONDS", default_value = "30")]
    pub recv_timeout: u32,

    /// Seconds one send may wait for buffer space; 0 means no limit
    #[arg(long, help_heading = "Time-outs")]
    #[arg(value_name = "SECONDS", default_value = "30")]
    pub send_timeout: u32,
}
