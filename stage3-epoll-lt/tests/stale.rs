//! An event for a connection that is closed must not reach the next one.
//!
//! One `epoll_wait` brings many events. The first may close a connection, the
//! second may bring a new one, which gets the same descriptor and the same
//! place in the table; and the third may be an old one for the closed one.
//! Here that happens on purpose.

#![allow(clippy::unwrap_used)]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc::channel;
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use clap::Parser as _;
use nix::sys::epoll::EpollFlags;
use stage::config::Config;
use stage::context::Context;
use stage::server::Server;
use stage::site::Site;
use stage::socket;

/// The tokens of the first and the second connection in the first place of
/// the table: the place is the lower half, and the version the upper one,
/// which is odd while the place is taken.
const FIRST: u64 = 0x1_0000_0001;
const SECOND: u64 = 0x3_0000_0001;

/// How long the server may sleep in a turn before the test fails.
const CEILING: Duration = Duration::from_secs(20);

/// What the server narrates: one line for each event that reaches somebody.
static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Narration;

impl log::Log for Narration {
    fn enabled(&self, _: &log::Metadata) -> bool {
        true
    }

    fn log(&self, record: &log::Record) {
        lines().push(record.args().to_string());
    }

    fn flush(&self) {}
}

fn lines() -> MutexGuard<'static, Vec<String>> {
    LINES.lock().unwrap()
}

/// The lines that `server` narrates while it handles one event.
fn narrated(
    server: &mut Server,
    token: u64,
    readiness: EpollFlags,
) -> Vec<String> {
    lines().clear();
    server.handle(token, readiness).unwrap();
    lines().clone()
}

#[test]
fn a_stale_event_reaches_nobody() {
    log::set_logger(&Narration).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    // On a thread of its own, for a turn sleeps until something happens.
    let (done, end) = channel();
    let test = thread::spawn(move || {
        first_and_second();
        let _ = done.send(());
    });
    if end.recv_timeout(CEILING).is_err() {
        assert!(test.is_finished(), "asleep; it told: {:#?}", lines());
    }
    test.join().unwrap();
}

fn first_and_second() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::parse_from(["test", "--quiet"]);
    let address = "127.0.0.1:0".parse().unwrap();
    let listener = socket::listen(address, false, &config).unwrap();
    let address = socket::local_address(&listener).unwrap();
    let site = Site::open(folder.path()).unwrap();
    let context = Context::new(site, &config);
    let mut server = Server::new(vec![listener], context).unwrap();

    let client = TcpStream::connect(address).unwrap();
    server.iterate().unwrap();
    let told = narrated(&mut server, FIRST, EpollFlags::EPOLLIN);
    assert_eq!(told.len(), 1, "it is the first one's token: {told:?}");

    drop(client);
    lines().clear();
    server.iterate().unwrap();
    let closed = lines().iter().any(|line| line.ends_with("now Closed"));
    assert!(closed, "the first one is closed: {:?}", lines());

    let mut client = TcpStream::connect(address).unwrap();
    client.set_read_timeout(Some(CEILING)).unwrap();
    server.iterate().unwrap();
    let stale = EpollFlags::EPOLLIN | EpollFlags::EPOLLHUP;
    let told = narrated(&mut server, FIRST, stale);
    assert_eq!(told, [""; 0], "an event of the first reached the second");

    let told = narrated(&mut server, SECOND, EpollFlags::EPOLLIN);
    assert_eq!(told.len(), 1, "the second has the same place: {told:?}");
    let request = b"OPTIONS * HTTP/1.1\r\nHost: stale\r\n\r\n";
    client.write_all(request).unwrap();
    server.iterate().unwrap();
    let mut answer = [0; 12];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 204");
}
