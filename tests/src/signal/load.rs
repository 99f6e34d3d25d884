//! Clients that send requests as fast as they can and check every response.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crate::fixtures::{self, HELLO};
use crate::process;
use crate::server::Server;
use crate::stage::Stage;
use crate::wire::Client;
use crate::wire::client::{CEILING, End};

/// Number of clients of each of three kinds.
pub(super) const CLIENTS: usize = 4;

const KEEP_ALIVE: &[u8] = b"GET /hello.txt HTTP/1.1\r\nHost: load\r\n\r\n";
const CLOSE: &[u8] = b"GET /hello.txt HTTP/1.1\r\nHost: load\r\n\
                      Connection: close\r\n\r\n";

/// Eight mebibytes: more than the buffers hold, so that some response is in
/// flight at any time.
const LARGE: &[u8] = b"GET /big.bin HTTP/1.1\r\nHost: load\r\n\
                       Range: bytes=0-8388607\r\n\
                       Connection: close\r\n\r\n";

/// State shared by the clients of a test.
pub(super) struct Load {
    address: SocketAddr,
    /// Whether a refused connection ends the client normally.
    may_refuse: bool,
    /// Tells the clients to stop.
    done: AtomicBool,
    /// Number of responses.
    responses: AtomicUsize,
}

impl Load {
    pub(super) fn new(server: &Server, may_refuse: bool) -> Self {
        let (done, responses) = (AtomicBool::new(false), AtomicUsize::new(0));
        Self { address: server.address(), may_refuse, done, responses }
    }

    /// Connects; `None` when the client should stop.
    fn connect(&self) -> Result<Option<Client>, String> {
        if self.done.load(Ordering::Relaxed) {
            return Ok(None);
        }
        match TcpStream::connect(self.address) {
            Ok(stream) => Client::adopt(stream, CEILING)
                .map(Some)
                .map_err(|error| error.to_string()),
            Err(error)
                if error.kind() == ErrorKind::ConnectionRefused
                    && self.may_refuse =>
            {
                Ok(None)
            }
            Err(error) => Err(format!("connect: {error}")),
        }
    }

    fn count(&self) -> usize {
        self.responses.load(Ordering::Relaxed)
    }

    fn count_response(&self) {
        self.responses.fetch_add(1, Ordering::Relaxed);
    }
}

/// Fails unless the last response is complete and correct.
fn expect_whole(client: &Client) -> Result<(), String> {
    let response = client.reader.responses.last().ok_or("no response")?;
    let matches = match response.body.len() {
        13 => response.body == HELLO,
        length => length == 8 << 20,
    };
    if response.status / 100 == 2 && response.missing == 0 && matches {
        return Ok(());
    }
    let (status, missing) = (response.status, response.missing);
    Err(format!("status {status}, {missing} bytes missing"))
}

/// One request per connection.
fn fresh(load: &Load, request: &[u8]) -> Result<(), String> {
    while let Some(mut client) = load.connect()? {
        client.send(request)?;
        client.wait_for_end()?;
        expect_whole(&client).map_err(|why| {
            let local = client.local_addr();
            format!("on a new connection, {local:?}: {why}, {:?}", client.end)
        })?;
        load.count_response();
    }
    Ok(())
}

/// One request after another on a connection, and a new connection when one has
/// ended.
fn keep_alive(load: &Load) -> Result<(), String> {
    while let Some(mut client) = load.connect()? {
        let mut count = 0;
        loop {
            client.send(KEEP_ALIVE)?;
            let wanted = count + 1;
            client.wait_for_responses(wanted)?;
            let finals = client.reader.finals();
            if finals < wanted {
                break;
            }
            expect_whole(&client)?;
            count = finals;
            load.count_response();
            if load.done.load(Ordering::Relaxed) {
                return Ok(());
            }
            let last = client.reader.responses.last();
            if last.is_some_and(|last| last.field("Connection").is_some()) {
                client.wait_for_end()?;
                break;
            }
        }
        let rest = client.received.len() - client.reader.used;
        if rest > 0 || client.end != End::Closed || count == 0 {
            let end = client.end;
            return Err(format!(
                "on a connection with {count} responses: {rest} bytes of the \
                 next, then {end:?}"
            ));
        }
    }
    Ok(())
}

/// Waits for `count` more responses.
pub(super) fn until_count(
    load: &Load,
    count: usize,
    stage: &Stage,
) -> Result<(), String> {
    let target = load.count() + count;
    process::until("the load", stage.ceiling, || load.count() >= target)
}

/// Runs the clients until `action` is done and they have stopped; returns their
/// failures.
pub(super) fn under(
    load: &Load,
    action: impl FnOnce() -> Result<(), String>,
) -> Result<Vec<String>, String> {
    fixtures::site().big().map_err(|error| error.to_string())?;
    thread::scope(|scope| {
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            clients.push(scope.spawn(|| fresh(load, CLOSE)));
            clients.push(scope.spawn(|| keep_alive(load)));
            clients.push(scope.spawn(|| fresh(load, LARGE)));
        }
        let result = action();
        // Where no connection may be refused, only this stops the clients.
        let done = !load.may_refuse || result.is_err();
        load.done.store(done, Ordering::Relaxed);
        let ends = clients.into_iter().map(|client| {
            client.join().unwrap_or_else(|_| Err("it panicked".into()))
        });
        let failures = ends.filter_map(Result::err).collect();
        result.map(|()| failures)
    })
}
