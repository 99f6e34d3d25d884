//! Level-triggered or edge-triggered: which event comes when.
//!
//! Two epoll instances watch the same socket, one of each kind, while a client
//! does one thing after another. What each of them says becomes a table.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};

use conversations::report;
use conversations::snapshot::{Slot, Verdict};
use nix::errno::Errno;
use nix::libc::linger;
use nix::sys::epoll::{
    Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout,
};
use nix::sys::socket::{
    MsgFlags, Shutdown as Direction, recv, send, setsockopt,
    shutdown as shutdown_write, sockopt,
};

const NAME: &str = env!("CARGO_PKG_NAME");

const PROMISE: &str = "What epoll says of one socket, level-triggered and \
    edge-triggered, while\na client does one thing after another.";

/// How long to wait for what must come, in milliseconds.
const CEILING: u16 = 20_000;

/// The events that the table knows, in its order.
const NAMES: [(EpollFlags, &str); 6] = [
    (EpollFlags::EPOLLIN, "IN"),
    (EpollFlags::EPOLLPRI, "PRI"),
    (EpollFlags::EPOLLOUT, "OUT"),
    (EpollFlags::EPOLLRDHUP, "RDHUP"),
    (EpollFlags::EPOLLHUP, "HUP"),
    (EpollFlags::EPOLLERR, "ERR"),
];

/// One socket, and both ways to watch it.
struct Watch {
    socket: OwnedFd,
    interest: EpollFlags,
    level: Epoll,
    edge: Epoll,
    table: String,
    /// For each line, whether edge-triggered said anything.
    said: Vec<bool>,
}

impl Watch {
    fn new(socket: OwnedFd, interest: EpollFlags) -> Self {
        let epoll = || Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).unwrap();
        let (level, edge) = (epoll(), epoll());
        level.add(&socket, EpollEvent::new(interest, 0)).unwrap();
        let edged = interest | EpollFlags::EPOLLET;
        edge.add(&socket, EpollEvent::new(edged, 0)).unwrap();
        let (table, said) = (String::new(), Vec::new());
        Self { socket, interest, level, edge, table, said }
    }

    /// Registers the same interest once more.
    fn modify(&self) {
        let mut event = EpollEvent::new(self.interest, 0);
        self.level.modify(&self.socket, &mut event).unwrap();
        let edged = self.interest | EpollFlags::EPOLLET;
        let mut event = EpollEvent::new(edged, 0);
        self.edge.modify(&self.socket, &mut event).unwrap();
    }

    /// Something has been sent, and on its way may be overtaken by us: an
    /// event must come.
    fn arrives(&mut self, what: &str) {
        self.note_readiness(what, EpollTimeout::from(CEILING));
    }

    /// Nothing is on its way: there is an event already, or there is none.
    fn look(&mut self, what: &str) {
        self.note_readiness(what, EpollTimeout::ZERO);
    }

    /// Asks for the edge first: by level it may have been ready before.
    fn note_readiness(&mut self, what: &str, patience: EpollTimeout) {
        let edge = ask(&self.edge, patience);
        let level = ask(&self.level, EpollTimeout::ZERO);
        self.said.push(!edge.is_empty());
        let (edge, level) = (words(edge), words(level));
        let _ = writeln!(self.table, "  {what:34}{level:20}{edge}");
    }
}

fn ask(epoll: &Epoll, patience: EpollTimeout) -> EpollFlags {
    let mut events = [EpollEvent::empty(); 2];
    match epoll.wait(&mut events, patience).unwrap() {
        0 => EpollFlags::empty(),
        count => {
            assert_eq!(count, 1, "one socket, one event");
            events[0].events()
        }
    }
}

fn words(events: EpollFlags) -> String {
    let names = NAMES.iter().filter(|(flag, _)| events.contains(*flag));
    let names: Vec<_> = names.map(|(_, name)| *name).collect();
    if names.is_empty() { "-".to_owned() } else { names.join(" ") }
}

/// A client, and the server's end of the connection, non-blocking.
fn connection() -> (TcpStream, OwnedFd) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    client.set_nodelay(true).unwrap();
    let (server, _) = listener.accept().unwrap();
    server.set_nonblocking(true).unwrap();
    (client, server.into())
}

/// Receives once, at most `room` bytes.
fn read(socket: &OwnedFd, room: usize) -> nix::Result<usize> {
    recv(socket.as_raw_fd(), &mut vec![0; room], MsgFlags::empty())
}

/// What can be read.
fn input() -> Watch {
    let (mut client, server) = connection();
    let wanted = EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP;
    let mut watch = Watch::new(server, wanted);
    client.write_all(b"12345678").unwrap();
    watch.arrives("8 bytes come");
    watch.look("asked again, nothing new");
    assert_eq!(read(&watch.socket, 4), Ok(4));
    watch.look("4 of them were read");
    client.write_all(b"12345678").unwrap();
    watch.arrives("8 more come, 4 are unread");
    watch.modify();
    watch.look("EPOLL_CTL_MOD, the same interest");
    assert_eq!(read(&watch.socket, 4096), Ok(12));
    watch.look("recv was short, nothing is left");
    client.shutdown(Shutdown::Write).unwrap();
    watch.arrives("the client half-closes");
    watch.look("asked again, the end is unread");
    assert_eq!(read(&watch.socket, 4096), Ok(0));
    watch.look("recv said 0, the end is read");
    shutdown_write(watch.socket.as_raw_fd(), Direction::Write).unwrap();
    watch.arrives("we half-close too");
    watch
}

/// A byte that TCP marks as urgent: `recv` does not go beyond it at once.
fn urgent() -> Watch {
    let (mut client, server) = connection();
    let wanted = EpollFlags::EPOLLIN | EpollFlags::EPOLLPRI;
    let mut watch = Watch::new(server, wanted);
    client.write_all(b"1234").unwrap();
    watch.arrives("4 bytes come");
    send(client.as_raw_fd(), b"!", MsgFlags::MSG_OOB).unwrap();
    watch.arrives("an urgent byte comes behind");
    client.write_all(b"5678").unwrap();
    watch.arrives("4 more come behind that");
    assert_eq!(read(&watch.socket, 4096), Ok(4));
    watch.look("recv was short, and 4 are left");
    assert_eq!(read(&watch.socket, 4096), Ok(4));
    watch.look("all were read");
    watch
}

/// What can be sent.
fn output() -> Watch {
    let (client, server) = connection();
    setsockopt(&server, sockopt::SndBuf, &(64 << 10)).unwrap();
    let mut watch = Watch::new(server, EpollFlags::EPOLLOUT);
    watch.look("registered, there is room");
    watch.look("asked again, nothing new");
    let bytes = vec![b'x'; 32 << 20];
    let fd = watch.socket.as_raw_fd();
    let mut sent = send(fd, &bytes, MsgFlags::MSG_NOSIGNAL).unwrap();
    assert!(sent < bytes.len(), "the count must be short");
    // EAGAIN is never seen here: the short count is all that we have.
    let mut space = vec![0; 1 << 20];
    while sent > 0 {
        sent -= (&client).read(&mut space).unwrap();
    }
    watch.arrives("send was short, the client reads");
    watch
}

/// A client that crashes.
fn reset() -> Watch {
    let (client, server) = connection();
    let wanted = EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP;
    let mut watch = Watch::new(server, wanted);
    let at_once = linger { l_onoff: 1, l_linger: 0 };
    setsockopt(&client, sockopt::Linger, &at_once).unwrap();
    drop(client);
    watch.arrives("the client resets");
    watch.look("asked again, the error is unread");
    assert_eq!(read(&watch.socket, 1), Err(Errno::ECONNRESET));
    watch.look("recv said ECONNRESET");
    watch
}

#[test]
fn readiness() {
    let input = input();
    // What the two kinds say to: data, again, part read, more data, MOD.
    assert_eq!(input.said[..5], [true, false, false, true, true]);
    let mut table = format!(
        "{:36}{:20}{}",
        "interest in", "level-triggered", "edge-triggered"
    );
    for watch in [input, urgent(), output(), reset()] {
        let interest = words(watch.interest);
        let _ = write!(table, "\n\n{interest}\n{}", watch.table.trim_end());
    }
    let slot = Slot { group: NAME.to_owned(), name: "readiness".to_owned() };
    match slot.check(PROMISE, &table) {
        Verdict::Same => {}
        Verdict::Missing => panic!("no {} yet:\n{table}", slot.shown()),
        Verdict::Differs(expected) => {
            panic!("{}", report::difference(&expected, &table))
        }
    }
}
