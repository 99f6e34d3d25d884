//! How often does a client wake up the server before it is served, and what
//! does a client cost that never sends anything?
//!
//! With `TCP_DEFER_ACCEPT` (tcp(7)) the kernel holds a connection, as an
//! incomplete handshake, until its first byte arrives or the time has passed.
//! The client does not notice.
//!
//! Predict first: how many wake-ups does a client cost that connects and then
//! sends a request? And a silent one? Does the kernel keep a silent client for
//! ever? Which state does each side show for the connection?
//!
//! The server waits in epoll, accepts, and tries to receive at once. Wake-ups
//! are returns of `epoll_wait`; after each step of a client the lab waits until
//! there is none for 200 ms. The server has a descriptor only for an
//! ESTABLISHED connection. The option is set to 2 s, and the kernel makes that
//! 3 s, because it counts repeated SYN-ACKs (after 1 s, and 2 s more).
//!
//! Then change: 2 to 4, and predict the time. Close the listener while a silent
//! client waits, and let it send then. (Takes four seconds.)

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use conversations::lab::ends::in_handshake;
use conversations::lab::info::TcpInfo;
use conversations::lab::sockets::{LOOPBACK, connect};
use conversations::lab::timer::new_epoll;
use conversations::lab::{self, CEILING, Lab, Stop, Table, options};
use nix::libc::{IPPROTO_TCP, TCP_DEFER_ACCEPT};
use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags, EpollTimeout};

const QUIET: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    lab::run(experiment)
}

/// A server with one event loop.
struct Server {
    listener: TcpListener,
    epoll: Epoll,
    clients: Vec<TcpStream>,
    wakeups: usize,
}

fn experiment() -> Lab {
    let head =
        ["DEFER_ACCEPT", "client", "wake-ups", "client state", "server state"];
    let mut table = Table::new(&head);
    for (option, seconds) in [("off", 0), ("on", 2)] {
        let mut server = serve(seconds)?;
        let mut client = connect(server.listener.local_addr()?)?;
        server.iterate(QUIET)?;
        table.row(&server.row(option, "connected", &client)?);
        client.write_all(b"a request")?;
        server.iterate(QUIET)?;
        table.row(&server.row(option, "sent request", &client)?);
    }
    let mut server = serve(2)?;
    let start = Instant::now();
    let client = connect(server.listener.local_addr()?)?;
    server.iterate(CEILING)?;
    let late = start.elapsed().as_millis() >= 2900;
    let what = if late { "silent for 3 s" } else { "silent" };
    table.row(&server.row("on", what, &client)?);
    println!("{table}");
    Ok(())
}

fn serve(seconds: i32) -> Result<Server, Stop> {
    let listener = TcpListener::bind(LOOPBACK)?;
    listener.set_nonblocking(true)?;
    options::set(&listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, seconds)?;
    let epoll = new_epoll()?;
    epoll.add(&listener, EpollEvent::new(EpollFlags::EPOLLIN, 0))?;
    Ok(Server { listener, epoll, clients: Vec::new(), wakeups: 0 })
}

impl Server {
    /// Waits up to `patience` for an event, and then until there are no more.
    fn iterate(&mut self, mut patience: Duration) -> Lab {
        let mut events = [EpollEvent::empty()];
        let timeout = |time| EpollTimeout::try_from(time).map_err(|_| "time");
        while self.epoll.wait(&mut events, timeout(patience)?)? > 0 {
            self.wakeups += 1;
            patience = QUIET;
            if let Ok((client, _)) = self.listener.accept() {
                client.set_nonblocking(true)?;
                self.epoll
                    .add(&client, EpollEvent::new(EpollFlags::EPOLLIN, 1))?;
                self.clients.push(client);
            }
            for mut client in &self.clients {
                // EAGAIN while there is no request.
                let _ = client.read(&mut [0; 100]);
            }
        }
        Ok(())
    }

    fn row(
        &self,
        option: &str,
        client: &str,
        stream: &TcpStream,
    ) -> Result<[String; 5], Stop> {
        let (theirs, ours) = (stream.local_addr()?, stream.peer_addr()?);
        let of_server = match self.clients.first() {
            Some(client) => TcpInfo::of(client)?.state,
            None if in_handshake(ours, theirs) => "SYN_RECV",
            None => "-",
        };
        let of_client = TcpInfo::of(stream)?.state;
        let wakeups = self.wakeups.to_string();
        let row = [option, client, &wakeups, of_client, of_server];
        Ok(row.map(str::to_owned))
    }
}
