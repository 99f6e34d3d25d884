//! Stage 6: a static-file HTTP/1.1 server, a loop a core.
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
//! * [`threads`] - a loop a core, and what each of them has for itself.
//! * [`server`] - who waits for what. It never sees a byte of HTTP.
//! * [`timers`] - one timer for all deadlines.
//! * [`limits`] - how long, how slowly and how many.
//! * [`signals`] - asked to stop, politely.
//! * [`connection`] - moves bytes between a socket and an exchange.
//! * [`exchange`], `answer` - requests to answers. They never see a socket.
//! * [`http`] - the protocol, without any input or output.
//! * [`site`] - path to file, below the root and nowhere else.
//! * [`transfer`] - large files on their way out.
//! * [`context`] - what a thread lends to each connection in turn.
//! * [`access_log`] - one line a request.
//! * [`descriptors`] - whether there are enough of them.
//! * [`process_one`] - ending by a signal, even in a container.
//! * [`stdio`] - standard output and error, without blocking.

pub mod access_log;
pub mod config;
pub mod connection;
pub mod context;
pub mod descriptors;
pub mod exchange;
pub mod http;
pub mod limits;
pub mod process_one;
mod respond;
pub mod server;
pub mod signals;
pub mod site;
pub mod socket;
pub mod stdio;
pub mod threads;
pub mod timers;
pub mod transfer;
