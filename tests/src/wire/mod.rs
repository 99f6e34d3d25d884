//! HTTP as the client sees it on the wire: bytes, requests, answers.

pub mod answer;
pub mod client;
pub mod escape;
pub mod peer;
pub mod request;
mod waiting;

pub use answer::Answer;
pub use client::Client;
