//! Stage 1: a static-file HTTP/1.1 server whose threads block.
//!
//! ```text
//! socket --listeners--> server --a connection--> connection
//!                                                    |  bytes
//!                                                    v
//!                     http  <--requests--  exchange  --paths-->  site
//! ```
//!
//! * [`config`] - the command line.
//! * [`socket`] - every socket option; the only room with `unsafe`.
//! * [`server`] - who waits for what. It never sees a byte of HTTP.
//! * [`connection`] - moves bytes between a socket and an exchange.
//! * [`exchange`] - requests to answers. It never sees a socket.
//! * [`http`] - the protocol, without any input or output.
//! * [`site`] - path to file, below the root and nowhere else.
//! * [`access_log`] - one line a request.

pub mod access_log;
pub mod config;
pub mod connection;
pub mod exchange;
pub mod http;
pub mod server;
pub mod site;
pub mod socket;
