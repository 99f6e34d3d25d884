//! The network may cut a byte stream anywhere: every cut must give the same
//! requests and the same answers. And nothing a client sends may be kept
//! without a bound.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use std::fs;
use std::net::{IpAddr, Ipv4Addr};

use clap::Parser;
use proptest::prelude::*;
use stage::config::Config;
use stage::context::Context;
use stage::exchange::Exchange;
use stage::http::MAX_BODY;
use stage::site::Site;
use tempfile::TempDir;

/// A folder with one small file and one that is too large for one buffer.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("small.txt"), "small\n").unwrap();
    fs::write(folder.path().join("large.bin"), vec![7; 40_000]).unwrap();
    folder
}

/// One client's bytes, given in pieces, and all that came back for them.
struct Talk {
    exchange: Exchange,
    context: Context,
    answers: Vec<u8>,
}

impl Talk {
    fn new(folder: &TempDir) -> Self {
        let config = Config::parse_from(["test", "--quiet"]);
        let site = Site::open(folder.path()).unwrap();
        let context = Context::new(site, &config);
        let client = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Self { exchange: Exchange::new(client), context, answers: Vec::new() }
    }

    fn send(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(self.context.recv_buffer.len()) {
            self.context.recv_buffer[..piece.len()].copy_from_slice(piece);
            self.exchange.receive(piece.len(), &mut self.context);
            self.collect();
        }
    }

    /// Does what a connection does with output, without a socket.
    fn collect(&mut self) {
        loop {
            let unsent = self.exchange.unsent();
            self.answers.extend_from_slice(unsent);
            let count = unsent.len();
            self.exchange.sent(count, &mut self.context);
            if let Some(transfer) = &mut self.exchange.transfer {
                let bytes = format!("[{} bytes]", transfer.remaining);
                transfer.remaining = 0;
                self.answers.extend_from_slice(bytes.as_bytes());
                self.exchange.end_transfer(&mut self.context);
            } else if count == 0 {
                return;
            }
            self.exchange.receive(0, &mut self.context);
        }
    }

    fn end(mut self) -> String {
        self.exchange.end_input(&mut self.context);
        self.collect();
        assert!(
            self.exchange.is_finished(),
            "the client has ended, we have not"
        );
        let text = String::from_utf8_lossy(&self.answers);
        // A new file's tag is weak for a while.
        let text = text.replace("ETag: W/", "ETag: ");
        // The clock may go on between two runs.
        let lines = text.lines().filter(|line| !line.starts_with("Date: "));
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// What the streams are made of: requests of every kind, whole and broken.
const PIECES: &[&str] = &[
    "GET /small.txt HTTP/1.1\r\nHost: a\r\n\r\n",
    "HEAD /small.txt HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /large.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=9-20000\r\n\r\n",
    "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /small.txt HTTP/1.0\r\n\r\n",
    "GET /small.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "GET /small.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
     3\r\nabc\r\n2;x=\"y\"\r\nde\r\n0\r\nT: v\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\
     Content-Length: 3\r\n\r\nabc",
    "POST /other HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\
     Content-Length: 3\r\n\r\nabc",
    "GET /small.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nGET ",
    "\r\n",
    "\r\n\r\n",
    "\r",
    "GET / HTTP/1.1\nHost: a\n\n",
    "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
     5 \r\nhello\r\n0\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
     5;a=\"b\\\"\r\nhello\r\n0\r\n\r\n",
    "GET /small.txt?q=100% HTTP/1.2\r\nHost: a\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
     3\r\nabcd\r\n0\r\n\r\n",
    "GET /small.txt HTTP/2.0\r\nHost: a\r\n\r\n",
    "\x16\x03\x01\x02",
    "G",
    ": ",
];

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::collection::vec(prop::sample::select(PIECES), 1..8);
    let change = prop::option::weighted(
        0.3,
        (any::<prop::sample::Index>(), any::<u8>()),
    );
    (pieces, change).prop_map(|(pieces, change)| {
        let mut bytes = pieces.concat().into_bytes();
        if let Some((place, byte)) = change {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_split_gives_the_same_responses(
        stream in stream(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let folder = folder();
        let mut whole = Talk::new(&folder);
        whole.send(&stream);
        let whole = whole.end();

        let mut bytewise = Talk::new(&folder);
        for byte in &stream {
            bytewise.send(&[*byte]);
        }
        prop_assert_eq!(&bytewise.end(), &whole);

        let mut cuts =
            cuts.iter().map(|cut| cut.index(stream.len())).collect::<Vec<_>>();
        cuts.push(stream.len());
        cuts.sort_unstable();
        let mut split = Talk::new(&folder);
        let mut start = 0;
        for cut in cuts {
            split.send(&stream[start..cut]);
            start = cut;
        }
        prop_assert_eq!(&split.end(), &whole);
    }
}

/// Feeds `start`, and then `more` until an answer comes. Returns the status
/// and how many bytes it took.
fn fed_without_end(start: &str, more: &str) -> (String, usize) {
    let folder = folder();
    let mut talk = Talk::new(&folder);
    talk.send(start.as_bytes());
    let mut count = start.len();
    while talk.answers.is_empty() {
        talk.send(more.as_bytes());
        count += more.len();
        assert!(count < 8 * MAX_BODY, "still listening after {count} bytes");
    }
    let status = String::from_utf8_lossy(&talk.answers[9..12]).into_owned();
    (status, count)
}

#[test]
fn what_never_ends_is_refused() {
    let chunked = "POST /echo HTTP/1.1\r\nHost: a\r\n\
                   Transfer-Encoding: chunked\r\n\r\n";
    let cases = [
        ("", "G", "400", 16_384),
        ("GET /", "a", "414", 16_384),
        ("GET / HTTP/1.1\r\nA: ", "a", "431", 16_384),
        ("GET / HTTP/1.1\r\n", "A: b\r\n", "431", 16_390),
        (chunked, "0", "400", 512),
        (&format!("{chunked}1;"), "x", "400", 512),
        (&format!("{chunked}0\r\nA: "), "x", "431", 9000),
        (&format!("{chunked}0\r\n"), "A: b\r\n", "431", 1000),
        (chunked, "1\r\nx\r\n", "413", 7 * MAX_BODY),
        (chunked, "1;aaaaaaa\r\nx\r\n", "400", 20_000),
        (chunked, "ffff\r\n", "400", 80_000),
    ];
    for (start, more, status, limit) in cases {
        let (got, count) = fed_without_end(start, more);
        assert_eq!(got, status, "{start:?} and then {more:?} for ever");
        assert!(count <= limit, "{more:?}: only refused after {count} bytes");
    }
}
