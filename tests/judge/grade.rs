//! Asks a server for the promises of one level.

use std::io::{IsTerminal, stderr};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use conversations::promise::Verdict;
use conversations::stage::Stage;

use crate::levels::{Level, Question};

/// Promises asked for at the same time. Each has a server of its own, and mostly
/// waits.
const THREADS: usize = 16;

/// A level with its verdicts, in the order of its questions.
pub struct Graded<'a> {
    pub level: &'a Level,
    pub verdicts: Vec<Verdict>,
}

/// How many of each kind.
#[derive(Default, Clone, Copy)]
pub struct Count {
    pub kept: usize,
    pub broken: usize,
    pub not_asked: usize,
}

impl Graded<'_> {
    /// The questions with their verdicts.
    pub fn pairs(&self) -> impl Iterator<Item = (&Question, &Verdict)> {
        self.level.questions.iter().zip(&self.verdicts)
    }

    /// The broken promises, each with its report.
    pub fn broken(&self) -> impl Iterator<Item = (&Question, &String)> {
        self.pairs().filter_map(|(question, verdict)| match verdict {
            Verdict::Broken(why) => Some((question, why)),
            _ => None,
        })
    }

    pub fn count(&self) -> Count {
        let mut count = Count::default();
        for verdict in &self.verdicts {
            match verdict {
                Verdict::Kept => count.kept += 1,
                Verdict::Broken(_) => count.broken += 1,
                Verdict::NotAsked(_) => count.not_asked += 1,
            }
        }
        count
    }
}

/// Asks for all promises of the level.
pub fn grade<'a>(level: &'a Level, stage: &Stage) -> Graded<'a> {
    let count = level.questions.len();
    let next = AtomicUsize::new(0);
    let verdicts = Mutex::new(vec![None; count]);
    let (progress, done) = (stderr().is_terminal(), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..THREADS.min(count) {
            scope.spawn(|| {
                while let Some((index, question)) = take(&next, level) {
                    let verdict = ask(question, stage);
                    if let Ok(mut verdicts) = verdicts.lock() {
                        verdicts[index] = Some(verdict);
                    }
                    let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                    if progress {
                        let number = level.number;
                        eprint!("\r\x1b[Klevel {number}: {done} of {count}");
                    }
                }
            });
        }
    });
    if progress {
        eprint!("\r\x1b[K");
    }
    let verdicts = verdicts.into_inner().unwrap_or_default();
    Graded { level, verdicts: verdicts.into_iter().flatten().collect() }
}

/// A test that panics has found something that its author did not expect.
fn ask(question: &Question, stage: &Stage) -> Verdict {
    let ask = || question.promise.ask(stage, question.pieces);
    panic::catch_unwind(AssertUnwindSafe(ask)).unwrap_or_else(|_| {
        let name = question.name();
        Verdict::Broken(format!("BROKEN PROMISE: {name}\n\nIts test panicked."))
    })
}

fn take<'a>(
    next: &AtomicUsize,
    level: &'a Level,
) -> Option<(usize, &'a Question)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    level.questions.get(index).map(|question| (index, question))
}
