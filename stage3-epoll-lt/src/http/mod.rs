//! HTTP/1.1 without any input or output (RFC 9110 and RFC 9112).
//!
//! Nothing here knows about sockets, files or time-outs. Bytes go in, split
//! wherever the network split them; what to do next comes out. So the protocol
//! can be tested byte by byte, and is the same in a server that blocks, in one
//! that polls, and in one with an event loop per core.
//!
//! * [`Receiver`] - bytes in, requests out; keeps its place between reads.
//! * [`Request`] - one request head, checked and borrowed from the input.
//! * [`body`], [`chunk_extension`] - where a request body ends: a length, or
//!   chunks.
//! * [`target`] - what the client asks for, as a decoded path.
//! * [`location`] - where a redirect leads.
//! * [`conditional`], [`range`] - whether to send, and which part.
//! * [`Representation`], [`media_type`] - a file as HTTP sees it: length,
//!   date, tag, type.
//! * [`Response`] - the response plan, and how it is written.

pub mod body;
pub mod chunk_extension;
pub mod clock;
pub mod conditional;
pub mod fields;
pub mod location;
pub mod media_type;
pub mod method;
pub mod range;
pub mod receiver;
pub mod representation;
pub mod request;
pub mod response;
pub mod status;
pub mod target;
mod write;

pub use clock::Clock;
pub use method::Method;
pub use receiver::{Receiver, Rejection, Step, Upload};
pub use representation::{FileState, Representation};
pub use request::{Request, Version};
pub use response::{Persistence, Response};
pub use status::Status;

/// The most bytes a request head may have, its empty line included.
pub const MAX_HEAD: usize = 16 * 1024;

/// The most header fields a request may have; likewise for trailer fields.
pub const MAX_FIELDS: usize = 100;

/// The most bytes a request target may have.
pub const MAX_TARGET: usize = 8 * 1024;

/// The most bytes a request body may have, after decoding.
pub const MAX_BODY: usize = 1024 * 1024;

/// The one path that takes a body and returns it. It exists so that the framing
/// of requests can be tested from outside.
pub const ECHO: &[u8] = b"/echo";
