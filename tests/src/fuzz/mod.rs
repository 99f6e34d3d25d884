//! Twenty thousand requests that are wrong in ways nobody thought of.

mod mutate;

use std::thread;

use crate::fixtures;
use crate::number::Number;
use crate::process;
use crate::script::{self, Action, Step};
use crate::server::Server;
use crate::stage::{Case, Outcome, PASSED, Stage};
use crate::wire::answer;
use crate::wire::client::End;
use crate::wire::escape::{Part, visible, visible_lines};
use crate::wire::request::find;
use mutate::Random;

/// Connections, and requests on each: 20,000 in all.
const CONNECTIONS: u64 = 5_000;
const REQUESTS: usize = 4;

/// The first of them warm the server up; what it holds then is the measure.
const WARM_UP: u64 = 500;

/// Clients at a time.
const WORKERS: u64 = 4;

/// How much the server's memory may grow after the warm-up, in KiB.
const GROWTH: u64 = 8 << 10;

/// No request of the corpus is longer than this.
const LONGEST: usize = 4 << 10;

/// How many files another server may keep open: more than the site has.
const CACHED: usize = 200;

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    vec![Case {
        name: "fuzz::mutations",
        promise: "Twenty thousand malformed requests: each gets an HTTP \
                  response or none, and\n\
                  afterwards the server has no more descriptors and no more \
                  memory than\n\
                  before.",
        from: Number::stage(1),
        until: Number::EVER,
        any_server: true,
        run: mutations,
    }]
}

fn mutations(stage: &Stage) -> Outcome {
    let corpus = corpus();
    let mut server = stage.start_forgetful()?;
    server.check_alive()?;
    let pid = server.pid();
    // Ours keeps no files open here; another server may have a cache of them.
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

/// What the scripts send, one entry for each connection of a script.
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

/// Connections number `from` to `to`, by several clients at a time.
fn send_all(
    server: &Server,
    corpus: &[Vec<u8>],
    from: u64,
    to: u64,
) -> Result<(), String> {
    // The site must stand before the threads ask for it.
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

/// One connection: its requests, half-close, and the answers to the end.
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
            "connection {seed}: {why}\nIt was sent:\n{}\nIt answered:\n{}",
            visible_lines(&sent).join("\n"),
            visible(received)
        )
    })
}

fn judge(sent: &[u8], received: &[u8]) -> Result<(), String> {
    answers(received)?;
    let skipped = sent.iter().take_while(|b| b"\r\n".contains(b)).count();
    if received.is_empty() && find(&sent[skipped..], b"\r\n\r\n").is_some() {
        return Err("a head came to its end, and no answer followed".into());
    }
    Ok(())
}

/// Whether the bytes are answers, one after the other. Which of them answers
/// a HEAD is not known, where even the method may be damaged: each answer is
/// tried with its body and without.
fn answers(received: &[u8]) -> Result<(), String> {
    if received.is_empty() {
        return Ok(());
    }
    let mut complaint = String::new();
    for method in ["GET", "HEAD"] {
        let rest = match answer::one(received, method, true) {
            Ok(Some((answer, used))) if answer.missing == 0 => {
                answers(&received[used..])
            }
            Ok(_) => Err("the last answer is cut short".into()),
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
