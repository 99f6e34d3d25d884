//! Stage 3: a static-file HTTP/1.1 server, epoll level-triggered.
//!
//! ```text
//! socket --listeners--> server --a connection--> connection
//!                                                    |  bytes
//!                                                    v
//!                     http  <--requests--  exchange  --paths-->  site
//! ```
//!
//! * [`config`] - the command line.
//! * [`socket`] - every socket option; the only module with `unsafe`.
//! * [`server`] - accept and readiness: the loop. It never sees HTTP.
//! * [`connection`] - moves bytes between a socket and an exchange.
//! * [`exchange`], `respond` - requests in, responses out. No socket.
//! * [`http`] - the protocol, without I/O.
//! * [`site`] - path to open file, below the root only.
//! * [`transfer`] - a large file being sent.
//! * [`context`] - what the connections of a thread share.
//! * [`access_log`] - one line per request.
//! * [`descriptors`] - checks the limit on descriptors.
//! * [`process_one`] - ends on a signal, even as process 1.
//! * [`stdio`] - standard output and error, without blocking.

pub mod access_log;
pub mod config;
pub mod connection;
pub mod context;
pub mod descriptors;
pub mod exchange;
pub mod http;
pub mod process_one;
mod respond;
pub mod server;
pub mod site;
pub mod socket;
pub mod stdio;
pub mod transfer;
