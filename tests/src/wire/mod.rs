//! HTTP as the client sees it on the wire: bytes, requests, responses.

pub mod client;
pub mod escape;
pub mod peer;
pub mod request;
pub mod response;
mod waiting;

pub use client::Client;
pub use response::Response;
