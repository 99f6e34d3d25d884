//! A one-file server with faults on demand: `mini-server --port 8080 [--fault
//! NAME]`. The suite's own tests use it to check that a fault is reported by
//! name. Without a fault it passes the tests that they run, and no others.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread;

/// What is wrong with the server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// It answers the first request in its buffer and drops the others.
    FirstOnly,
    /// Its lines end in `\n`.
    BareLf,
    /// It treats the result of one `read` as one whole request.
    OneRead,
    /// It serves one client until the connection closes before it accepts the
    /// next.
    InOrder,
    /// It answers everything with 501 at once and keeps reading.
    NotImplemented,
    /// It never stops sending.
    Endless,
    /// It polls each connection in a loop.
    Spin,
}

const BODY: &str = "Hello, world\n";

const NOT_IMPLEMENTED: &[u8] = b"HTTP/1.1 501 Not Implemented\r\n\
    Date: Fri, 01 Mar 2024 12:00:00 GMT\r\nContent-Length: 0\r\n\r\n";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |flag: &str| {
        let position = arguments.iter().position(|a| a == flag)?;
        arguments.get(position + 1).map(String::as_str)
    };
    let fault = match value("--fault") {
        None => Fault::None,
        Some("first-only") => Fault::FirstOnly,
        Some("bare-lf") => Fault::BareLf,
        Some("one-read") => Fault::OneRead,
        Some("in-order") => Fault::InOrder,
        Some("not-implemented") => Fault::NotImplemented,
        Some("endless") => Fault::Endless,
        Some("spin") => Fault::Spin,
        Some(other) => {
            eprintln!("mini-server: no fault `{other}`");
            return ExitCode::from(2);
        }
    };
    let port = value("--port").unwrap_or("8080");
    match TcpListener::bind(format!("127.0.0.1:{port}")) {
        Ok(listener) => serve(&listener, fault),
        Err(error) => {
            eprintln!("mini-server: cannot listen on port {port}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(listener: &TcpListener, fault: Fault) -> ! {
    loop {
        let Ok((stream, _)) = listener.accept() else { continue };
        if fault == Fault::InOrder {
            let _ = converse(&stream, fault);
        } else {
            thread::spawn(move || converse(&stream, fault));
        }
    }
}

/// Serves a connection until the client closes it.
fn converse(mut stream: &TcpStream, fault: Fault) -> io::Result<()> {
    let mut pending = Vec::new();
    let mut buffer = [0; 4096];
    stream.set_nonblocking(fault == Fault::Spin)?;
    loop {
        let count = match stream.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            other => other?,
        };
        if count == 0 {
            return Ok(());
        }
        pending.extend(buffer.iter().take(count));
        if fault == Fault::OneRead {
            pending.extend(b"\r\n\r\n");
        }
        if fault == Fault::NotImplemented {
            stream.write_all(NOT_IMPLEMENTED)?;
            pending.clear();
        }
        if fault == Fault::Endless {
            loop {
                stream.write_all(b"x")?;
            }
        }
        while let Some(end) = end_of_head(&pending) {
            let head: Vec<u8> = pending.drain(..end).collect();
            let head = String::from_utf8_lossy(&head).into_owned();
            stream.write_all(response(&head, fault).as_bytes())?;
            if head.to_ascii_lowercase().contains("connection: close") {
                return Ok(());
            }
            if fault == Fault::FirstOnly || fault == Fault::OneRead {
                pending.clear();
            }
        }
    }
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|w| w == b"\r\n\r\n").map(|position| position + 4)
}

fn response(head: &str, fault: Fault) -> String {
    let body = if head.starts_with("HEAD ") { "" } else { BODY };
    let found = head.contains(" /hello.txt HTTP/1.1");
    let response = if found {
        format!(
            "HTTP/1.1 200 OK\r\n\
             Date: Fri, 01 Mar 2024 12:00:00 GMT\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\
             Content-Length: {}\r\n\
             Last-Modified: Thu, 29 Feb 2024 12:00:00 GMT\r\n\
             ETag: \"mini\"\r\n\
             Accept-Ranges: bytes\r\n\
             X-Content-Type-Options: nosniff\r\n\
             {}\r\n{body}",
            BODY.len(),
            if head.contains("close") { "Connection: close\r\n" } else { "" },
        )
    } else {
        "HTTP/1.1 404 Not Found\r\n\
         Date: Fri, 01 Mar 2024 12:00:00 GMT\r\n\
         Content-Length: 0\r\n\r\n"
            .to_owned()
    };
    match fault {
        Fault::BareLf => response.replace("\r\n", "\n"),
        _ => response,
    }
}
