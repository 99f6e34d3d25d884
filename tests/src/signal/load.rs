//! Clients that ask as fast as they can, and miss nothing.

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

/// Clients of each of three kinds.
pub(super) const CLIENTS: usize = 4;

const KEPT: &[u8] = b"GET /hello.txt HTTP/1.1\r\nHost: load\r\n\r\n";
const LAST: &[u8] = b"GET /hello.txt HTTP/1.1\r\nHost: load\r\n\
                      Connection: close\r\n\r\n";

/// Eight mebibytes: more than the buffers between the two hold, so that such
/// an answer is under way at any time.
const LARGE: &[u8] = b"GET /big.bin HTTP/1.1\r\nHost: load\r\n\
                       Range: bytes=0-8388607\r\n\
                       Connection: close\r\n\r\n";

/// What the clients of a test share.
pub(super) struct Load {
    address: SocketAddr,
    /// Whether a connection may be refused, which is then the end.
    may_refuse: bool,
    /// Says that it is the end.
    over: AtomicBool,
    /// How many answers there were.
    answers: AtomicUsize,
}

impl Load {
    pub(super) fn new(server: &Server, may_refuse: bool) -> Self {
        let (over, answers) = (AtomicBool::new(false), AtomicUsize::new(0));
        Self { address: server.address(), may_refuse, over, answers }
    }

    /// Connects; `None` at the end.
    fn connect(&self) -> Result<Option<Client>, String> {
        if self.over.load(Ordering::Relaxed) {
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
        self.answers.load(Ordering::Relaxed)
    }

    fn answered(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
    }
}

/// Fails if the last answer is not whole, or not the file.
fn whole(client: &Client) -> Result<(), String> {
    let answer = client.reader.answers.last().ok_or("no answer")?;
    let right = match answer.body.len() {
        13 => answer.body == HELLO,
        length => length == 8 << 20,
    };
    if answer.status / 100 == 2 && answer.missing == 0 && right {
        return Ok(());
    }
    let (status, missing) = (answer.status, answer.missing);
    Err(format!("status {status}, {missing} bytes missing"))
}

/// One request on each connection.
fn fresh(load: &Load, request: &[u8]) -> Result<(), String> {
    while let Some(mut client) = load.connect()? {
        client.send(request)?;
        client.wait_for_end()?;
        whole(&client).map_err(|why| {
            let local = client.local_addr();
            format!("on a new connection, {local:?}: {why}, {:?}", client.end)
        })?;
        load.answered();
    }
    Ok(())
}

/// One request after the other, and a new connection when one has ended.
fn kept(load: &Load) -> Result<(), String> {
    while let Some(mut client) = load.connect()? {
        let mut count = 0;
        loop {
            client.send(KEPT)?;
            let wanted = count + 1;
            client.wait_for_answers(wanted)?;
            let came = client.reader.finals();
            if came < wanted {
                break;
            }
            whole(&client)?;
            count = came;
            load.answered();
            if load.over.load(Ordering::Relaxed) {
                return Ok(());
            }
            let last = client.reader.answers.last();
            if last.is_some_and(|last| last.field("Connection").is_some()) {
                client.wait_for_end()?;
                break;
            }
        }
        let left = client.received.len() - client.reader.used;
        if left > 0 || client.end != End::Closed || count == 0 {
            let end = client.end;
            return Err(format!(
                "on a connection with {count} answers: {left} bytes of the \
                 next, then {end:?}"
            ));
        }
    }
    Ok(())
}

/// Waits until there are so many answers more.
pub(super) fn until_count(
    load: &Load,
    count: usize,
    stage: &Stage,
) -> Result<(), String> {
    let due = load.count() + count;
    process::until("the load", stage.ceiling, || load.count() >= due)
}

/// Has clients ask until `meanwhile` is done and they have come to an end;
/// returns what they complain of.
pub(super) fn under(
    load: &Load,
    meanwhile: impl FnOnce() -> Result<(), String>,
) -> Result<Vec<String>, String> {
    fixtures::site().big().map_err(|error| error.to_string())?;
    thread::scope(|scope| {
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            clients.push(scope.spawn(|| fresh(load, LAST)));
            clients.push(scope.spawn(|| kept(load)));
            clients.push(scope.spawn(|| fresh(load, LARGE)));
        }
        let done = meanwhile();
        // Where none may be refused, nothing else ends them.
        let over = !load.may_refuse || done.is_err();
        load.over.store(over, Ordering::Relaxed);
        let ends = clients.into_iter().map(|client| {
            client.join().unwrap_or_else(|_| Err("it panicked".into()))
        });
        let lost = ends.filter_map(Result::err).collect();
        done.map(|()| lost)
    })
}
