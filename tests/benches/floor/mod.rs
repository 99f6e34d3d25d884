//! The floor: servers that only move bytes.
//!
//! They parse no request and open no file by name, so no file server can cost
//! less. A stage's cost above the floor is the cost of HTTP, the file system
//! and its own bookkeeping.

mod large;
mod small;

use std::fs::File;
use std::io::{self, Write as _};
use std::net::TcpListener;

/// `floor PORT`, `floor PORT close` or `floor PORT large FILE`: serves until
/// it is killed. Port 0 picks a free one; the first line on standard output
/// names it, as the stages do.
///
/// # Errors
/// If the arguments are invalid, or as bind(2), `epoll_wait(2)`.
pub fn run(words: &[String]) -> io::Result<()> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let usage = || io::Error::other("floor PORT [close | large FILE]");
    let (port, mode) = words.split_first().ok_or_else(usage)?;
    let port: u16 = port.parse().map_err(|_| usage())?;
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    println!("listening on http://{}", listener.local_addr()?);
    io::stdout().flush()?;
    match mode {
        [] => small::serve(&listener, false),
        ["close"] => small::serve(&listener, true),
        ["large", file] => large::serve(&listener, &File::open(file)?),
        _ => Err(usage()),
    }
}
