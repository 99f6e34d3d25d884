//! Twenty thousand randomly damaged requests.

mod mutate;

use std::thread;

use crate::fixtures;
use crate::number::Number;
use crate::process;
use crate::script::{self, Action, Step};
use crate::server::Server;
use crate::stage::{Case, Outcome, PASSED, Stage};
use crate::wire::client::End;
use crate::wire::escape::{Part, visible, visible_lines};
use crate::wire::request::find;
use crate::wire::response;
use mutate::Random;

/// Connections, and requests on each: 20,000 in all.
const CONNECTIONS: u64 = 5_000;
const REQUESTS: usize = 4;

/// The first connections warm the server up; its memory after them is the
/// baseline.
const WARM_UP: u64 = 500;

/// Concurrent clients.
const WORKERS: u64 = 4;

/// How much the server's memory may grow after the warm-up, in KiB.
const GROWTH: u64 = 8 << 10;

/// Maximum length of a request in the corpus.
const LONGEST: usize = 4 << 10;

/// Descriptors that another server may use for cached files: more than the site
/// has files.
const CACHED: usize = 200;

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    vec![Case {
        name: "fuzz::mutations",
        promise: "Twenty thousand damaged requests: each gets a valid HTTP \
                  response or none,\nand afterwards the server holds no more \
                  descriptors and no more memory than\nbefore.",
        from: Number::stage(1),
        until: Number::EVER,
        any_server: true,
        run: mutations,
    }]
}

fn mutations(stage: &Stage) -> Outcome {
    let corpus = corpus();
    let mut server = stage.start_without_cache()?;
    server.check_alive()?;
    let pid = server.pid();
    // Our servers keep no files open here; another server may cache them.
    let cached = if stage.is_ours() { 0 } else { CACHED };
    let descriptors = process::descriptors(pid)? + cached;
    send_all(&server, &corpus, 0, WARM_UP)?;
    process::until_descriptors(pid, descriptors, stage.ceiling)?;
    let before = process::resident(pid)?;
    send_all(&server, &corpus, WARM_UP, CONNECTIONS)?;
    process::until_descriptors(pid, descriptors, stage.ceiling)?;
    let after = process::resident(pid)?;
    if after > before + GROWTH {
        return Err(format!(
            "resident memory grew from {before} KiB to {after} KiB"
        )
        .into());
    }
    server.check_alive()?;
    Ok(PASSED)
}

/// What the scripts send, one entry per script.
fn corpus() -> Vec<Vec<u8>> {
    let mut corpus = Vec::new();
    for place in script::find_all(script::folder()) {
        let Ok(script) = place.load() else { continue };
        let mut bytes = Vec::new();
        collect(&script.steps, &mut bytes);
        bytes.truncate(LONGEST);
        if !bytes.is_empty() {
            corpus.push(bytes);
        }
    }
    corpus
}

fn collect(steps: &[Step], into: &mut Vec<u8>) {
    for step in steps {
        match &step.action {
            Action::Send(_, parts) => {
                for part in parts {
                    match part {
                        Part::Bytes(bytes) => into.extend(bytes),
                        Part::Placeholder(_) => into.extend(b"\"x\""),
                    }
                }
            }
            Action::Repeat(_, inner) => collect(inner, into),
            _ => {}
        }
    }
}

/// Makes connections number `from` to `to`, with several clients at a time.
fn send_all(
    server: &Server,
    corpus: &[Vec<u8>],
    from: u64,
    to: u64,
) -> Result<(), String> {
    // Build the site before the threads need it.
    let _ = fixtures::site();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| {
                scope.spawn(move || {
                    (from..to)
                        .filter(|seed| seed % WORKERS == worker)
                        .try_for_each(|seed| converse(server, corpus, seed))
                })
            })
            .collect();
        workers.into_iter().try_for_each(|worker| {
            worker.join().unwrap_or_else(|_| Err("a client panicked".into()))
        })
    })
}

/// One connection: sends its requests, half-closes, and reads to the end.
fn converse(
    server: &Server,
    corpus: &[Vec<u8>],
    seed: u64,
) -> Result<(), String> {
    let mut random = Random::new(seed);
    let mut sent = Vec::new();
    for _ in 0..REQUESTS {
        sent.extend(mutate::request(corpus, &mut random));
    }
    let mut client = server.connect()?;
    let mut talk = || {
        client.send(&sent)?;
        client.half_close();
        client.wait_for_end()?;
        if client.end == End::Reset {
            return Err("the connection was reset".into());
        }
        judge(&sent, &client.received)
    };
    talk().map_err(|why: String| {
        let received = client.received.get(..2000).unwrap_or(&client.received);
        format!(
            "connection {seed}: {why}\nSent:\n{}\nReceived:\n{}",
            visible_lines(&sent).join("\n"),
            visible(received)
        )
    })
}

fn judge(sent: &[u8], received: &[u8]) -> Result<(), String> {
    responses(received)?;
    let skipped = sent.iter().take_while(|b| b"\r\n".contains(b)).count();
    if received.is_empty() && find(&sent[skipped..], b"\r\n\r\n").is_some() {
        return Err("a complete head got no response".into());
    }
    Ok(())
}

/// Checks that the bytes are a sequence of responses. We don't know which of
/// them answer a HEAD, because even the method may be damaged: so we try each
/// response with and without a body.
fn responses(received: &[u8]) -> Result<(), String> {
    if received.is_empty() {
        return Ok(());
    }
    let mut complaint = String::new();
    for method in ["GET", "HEAD"] {
        let rest = match response::one(received, method, true) {
            Ok(Some((response, used))) if response.missing == 0 => {
                responses(&received[used..])
            }
            Ok(_) => Err("the last response is truncated".into()),
            Err(why) => Err(why),
        };
        match rest {
            Ok(()) => return Ok(()),
            Err(why) if complaint.is_empty() => complaint = why,
            Err(_) => {}
        }
    }
    Err(complaint)
}
