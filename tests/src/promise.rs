//! What is promised of any server: one script or one Rust-coded test each.

use std::collections::HashMap;

use libtest_mimic::Completion;

use crate::cases;
use crate::runner::Pace;
use crate::script::{self, Action, Place, Script, Step};
use crate::stage::{Case, Outcome, Stage};
use crate::suite::{run_case, run_script};

/// One promise.
#[derive(Debug)]
pub struct Promise {
    /// `GROUP::NAME`.
    pub name: String,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Script(Place, Box<Script>),
    Case(Case),
}

/// What a server must be able to do before it can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// Nothing: one request per connection.
    Nothing,
    /// Another request after the response.
    KeepAlive,
    /// Another request before the response.
    Pipelining,
}

/// Whether a promise is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Kept,
    /// It is not, and why: the whole report.
    Broken(String),
    /// This server can't be asked, and why: it lacks a flag, or the machine
    /// lacks a tool.
    NotAsked(String),
}

/// The promises that any server must keep up to this stage, by name.
///
/// # Errors
/// If a script can't be parsed: with file and line.
pub fn all(stage: &Stage) -> Result<Vec<Promise>, String> {
    let mut promises = Vec::new();
    for place in script::find_all(script::folder()) {
        let script = place.load()?;
        if (script.from..=script.until).contains(&stage.at) {
            let name = format!("{}::{}", place.group, place.name);
            let test = Test::Script(place, Box::new(script));
            promises.push(Promise { name, test });
        }
    }
    for case in cases::all() {
        if case.any_server && (case.from..=case.until).contains(&stage.at) {
            let name = case.name.to_owned();
            promises.push(Promise { name, test: Test::Case(case) });
        }
    }
    promises.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(promises)
}

impl Promise {
    /// Asks the server to keep it. With `pieces`, a script is also played byte
    /// by byte, unless that makes no sense, and both must pass.
    #[must_use]
    pub fn ask(&self, stage: &Stage, pieces: bool) -> Verdict {
        match &self.test {
            Test::Case(case) => verdict(run_case(case, stage)),
            Test::Script(place, script) => {
                let play = |title: &str, pace| {
                    verdict(run_script(title, place, script, stage, pace))
                };
                let whole = play(&self.name, Pace::Whole);
                if whole == Verdict::Kept && pieces && script.split {
                    let title = format!("{} byte by byte", self.name);
                    return play(&title, Pace::ByteByByte);
                }
                whole
            }
        }
    }

    /// Whether it can be asked byte by byte as well.
    #[must_use]
    pub fn has_pieces(&self) -> bool {
        matches!(&self.test, Test::Script(_, script) if script.split)
    }

    /// What the server must be able to do before it can be asked.
    #[must_use]
    pub fn needs(&self) -> Needs {
        match &self.test {
            Test::Script(_, script) => needs(&script.steps),
            Test::Case(_) => Needs::Nothing,
        }
    }

    /// How closely the pattern fits its name: `group`, `group::prefix*`, or a
    /// whole name. `None` if it does not.
    #[must_use]
    pub fn fits(&self, pattern: &str) -> Option<usize> {
        let fits = match pattern.strip_suffix('*') {
            Some(prefix) => self.name.starts_with(prefix),
            None if pattern.contains("::") => self.name == pattern,
            None => self.name.split("::").next() == Some(pattern),
        };
        // A whole name beats any prefix that is as long.
        fits.then_some(2 * pattern.len() + usize::from(!pattern.contains('*')))
    }
}

/// Counts the requests of each connection, and those before a response.
fn needs(steps: &[Step]) -> Needs {
    let mut counts: HashMap<&str, (u32, u32)> = HashMap::new();
    let mut needs = Needs::Nothing;
    let mut all: Vec<&Step> = Vec::new();
    flatten(steps, &mut all);
    for Step { connection, action, .. } in all {
        let (total, waiting) = counts.entry(connection).or_default();
        match action {
            Action::Send(text, _) if is_request_line(text) => {
                *total += 1;
                *waiting += 1;
            }
            Action::Read(_) | Action::ReadClose => *waiting = 0,
            _ => {}
        }
        if *waiting > 1 {
            return Needs::Pipelining;
        }
        if *total > 1 {
            needs = Needs::KeepAlive;
        }
    }
    needs
}

/// A second round shows what a repetition needs.
fn flatten<'a>(steps: &'a [Step], all: &mut Vec<&'a Step>) {
    for step in steps {
        match &step.action {
            Action::Repeat(times, inner) => {
                for _ in 0..(*times).min(2) {
                    flatten(inner, all);
                }
            }
            _ => all.push(step),
        }
    }
}

fn is_request_line(text: &str) -> bool {
    text.split_once(" HTTP/1.")
        .is_some_and(|(before, _)| !before.contains(": "))
}

fn verdict(outcome: Outcome) -> Verdict {
    match outcome {
        Ok(Completion::Completed) => Verdict::Kept,
        Ok(Completion::Ignored { reason }) => {
            Verdict::NotAsked(reason.unwrap_or_default())
        }
        Err(failed) => {
            Verdict::Broken(failed.message().unwrap_or("failed").to_owned())
        }
    }
}
