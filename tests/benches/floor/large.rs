//! A head with `MSG_MORE`, then sendfile(2) until the file is sent: blocking,
//! one client at a time, with the fewest possible system calls.

use std::fs::File;
use std::io::{self, Read as _};
use std::net::TcpListener;
use std::os::fd::AsRawFd as _;

use nix::sys::sendfile::sendfile64;
use nix::sys::socket::{MsgFlags, send};

pub fn serve(listener: &TcpListener, file: &File) -> io::Result<()> {
    let size = file.metadata()?.len().cast_signed();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n");
    let mut bytes = [0; 16 * 1024];
    // nix has no name for this flag: the head waits for the file's first bytes.
    let more = MsgFlags::from_bits_retain(libc::MSG_MORE);
    loop {
        let (mut client, _) = listener.accept()?;
        // One read is one request: the bench's client waits for each response
        // before its next request.
        while client.read(&mut bytes).is_ok_and(|got| got > 0) {
            let fd = client.as_raw_fd();
            let mut sent = send(fd, head.as_bytes(), more);
            let mut offset = 0;
            while sent.is_ok_and(|n| n > 0) && offset < size {
                let rest = usize::try_from(size - offset).unwrap_or(0);
                sent = sendfile64(&client, file, Some(&mut offset), rest);
            }
        }
    }
}
