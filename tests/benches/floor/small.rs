//! One thread, level-triggered epoll, one constant response per end of a head.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd as _, FromRawFd as _};

use nix::errno::Errno;
use nix::sys::epoll::{
    Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout,
};
use nix::sys::socket::{SockFlag, accept4};

use crate::site::SMALL;

/// The connections, indexed by descriptor number.
type Clients = Vec<Option<TcpStream>>;

/// The same number of fields and bytes as the stages send.
fn response(close: bool) -> Vec<u8> {
    let connection = if close { "Connection: close\r\n" } else { "" };
    let mut response = format!(
        "HTTP/1.1 200 OK\r\n\
         Date: Thu, 29 Feb 2024 12:00:00 GMT\r\n{connection}\
         Content-Type: application/octet-stream\r\n\
         Content-Length: {SMALL}\r\n\
         Last-Modified: Thu, 29 Feb 2024 12:00:00 GMT\r\n\
         ETag: \"400-65e07140-0\"\r\nAccept-Ranges: bytes\r\n\
         X-Content-Type-Options: nosniff\r\n\r\n"
    )
    .into_bytes();
    response.resize(response.len() + SMALL, b'x');
    response
}

/// With `close` the connection ends after its first response.
pub fn serve(listener: &TcpListener, close: bool) -> io::Result<()> {
    // One send answers a pipelined burst, whatever its length.
    let (one, most) = (response(close), 64);
    let responses = one.repeat(most);
    listener.set_nonblocking(true)?;
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    epoll.add(listener, EpollEvent::new(EpollFlags::EPOLLIN, 0))?;
    let mut clients = Clients::new();
    let mut events = [EpollEvent::empty(); 256];
    let mut bytes = [0; 16 * 1024];
    loop {
        let count = match epoll.wait(&mut events, EpollTimeout::NONE) {
            // strace has attached.
            Err(Errno::EINTR) => 0,
            other => other?,
        };
        for event in &events[..count] {
            let token = usize::try_from(event.data()).unwrap_or(0);
            let Some(client) = clients.get_mut(token).and_then(Option::as_mut)
            else {
                accept_all(listener, &epoll, &mut clients)?;
                continue;
            };
            let got = client.read(&mut bytes).unwrap_or(0);
            let heads = bytes[..got].windows(4).filter(|w| w == b"\r\n\r\n");
            let length = one.len() * heads.count().min(most);
            // The bench's clients read a response before they send more
            // requests, so there is always room in the send buffer, and a
            // request is never split.
            let sent = length > 0 && client.write(&responses[..length]).is_ok();
            if !sent || close {
                clients[token] = None;
            }
        }
    }
}

fn accept_all(
    listener: &TcpListener,
    epoll: &Epoll,
    clients: &mut Clients,
) -> io::Result<()> {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    while let Ok(fd) = accept4(listener.as_raw_fd(), flags) {
        // SAFETY: accept4 has just opened it, and nothing else owns it.
        let client = unsafe { TcpStream::from_raw_fd(fd) };
        let token = fd.unsigned_abs();
        epoll
            .add(&client, EpollEvent::new(EpollFlags::EPOLLIN, token.into()))?;
        let slot = token as usize;
        clients.resize_with(clients.len().max(slot + 1), || None);
        clients[slot] = Some(client);
    }
    Ok(())
}
