//! Tells whether a task is solved.

use std::path::Path;

use conversations::command::{Answer, Failure};
use conversations::variant::files::{
    Files, folder_files, read, write_if_changed,
};
use conversations::variant::task::{Check, Kind, Task};
use conversations::variant::{Variant, lock};

use crate::place::Place;
use crate::progress::Progress;
use crate::start::not_started;

/// How often a check has to pass in a row.
const TRIES: usize = 3;

/// Checks the learner's crate: does it build, does the task's own check pass,
/// and do all other tests pass as well?
///
/// # Errors
/// If it has not been started, or can't be read or built.
pub fn check(place: &Place, name: Option<&str>) -> Result<Answer, Failure> {
    let task = place.meant(name)?;
    let folder = place.crate_of(task);
    if !folder.exists() {
        return Err(not_started(task));
    }
    let _alone = lock(&place.ladder.root)?;
    let variant = written(place, task, &folder)?;
    let check = task.check();
    eprintln!("Building {} ...", task.name);
    if let Err(said) = variant.build_checks(&[&check]) {
        return Ok(Answer::bad(format!("{said}\nIt does not build yet.\n")));
    }
    let (passed, said) = run_each_time(&variant, &check, None)?;
    if !passed {
        return Ok(Answer::bad(still_there(task, &said)));
    }
    if let Some(why) = skipped(&said) {
        let name = &task.name;
        return Err(Failure::Blocked(format!(
            "{name} can't be checked on this machine: {why}"
        )));
    }
    eprintln!("The check passes. Running all other tests ...");
    if let Some(said) = anything_broken(place, task, &variant)? {
        return Ok(Answer::bad(broke(task, &said)));
    }
    solved(place, task)
}

/// The learner's source with the original tests: a check that was edited by
/// mistake would prove nothing.
fn written(
    place: &Place,
    task: &Task,
    folder: &Path,
) -> Result<Variant, String> {
    let mut variant = task.start(&place.ladder)?;
    let mut files: Files = variant.files()?;
    files.retain(|file, _| !file.starts_with("src/"));
    files.extend(folder_files(folder, "src")?);
    variant.base.files = files;
    variant.patches.clear();
    variant.write(&variant.folder())?;
    // Dependencies may have been added.
    let manifest = read(&folder.join("Cargo.toml"))?;
    write_if_changed(&variant.folder().join("Cargo.toml"), &manifest)?;
    Ok(variant)
}

/// Runs a check up to three times, until it fails once: a bug may depend on which
/// of two events comes first, and then its check passes now and then.
///
/// # Errors
/// If it can't be run.
pub fn run_each_time(
    variant: &Variant,
    check: &Check,
    ceiling: Option<u32>,
) -> Result<(bool, String), String> {
    let mut ran = variant.run_check(check, ceiling)?;
    for _ in 1..TRIES {
        if !ran.0 || skipped(&ran.1).is_some() {
            break;
        }
        ran = variant.run_check(check, ceiling)?;
    }
    Ok(ran)
}

/// The first failure among all tests of the crate, each in one form.
pub fn anything_broken(
    place: &Place,
    task: &Task,
    variant: &Variant,
) -> Result<Option<String>, String> {
    for check in task.everything(&place.ladder)? {
        if let Err(said) = variant.build_checks(&[&check]) {
            return Ok(Some(said));
        }
        let (passed, said) = variant.run_check(&check, None)?;
        if !passed {
            return Ok(Some(said));
        }
    }
    Ok(None)
}

fn still_there(task: &Task, said: &str) -> String {
    let (name, said) = (&task.name, failure(said));
    let verdict = match task.kind {
        Kind::Bug => "The bug is still there",
        Kind::Exercise => "Not solved yet",
    };
    format!(
        "{said}\n\n{verdict}: the test above fails. `{}` in practice/{name} \
         runs it alone; `cargo practice hint {name}` gives a hint.\n",
        task.check().command()
    )
}

fn broke(task: &Task, said: &str) -> String {
    let done = match task.kind {
        Kind::Bug => "The bug is gone",
        Kind::Exercise => "It does what the task asks for",
    };
    format!("{}\n\n{done}, but something else broke.\n", failure(said))
}

fn solved(place: &Place, task: &Task) -> Result<Answer, Failure> {
    let mut progress = Progress::load(&place.folder)?;
    let entry = progress.entry(&task.name);
    entry.solved = true;
    let how = match (entry.hints, entry.looked) {
        (_, true) => ", after a look at the solution",
        (0, _) => ", without a hint",
        (1, _) => ", with one hint",
        _ => ", with two hints",
    };
    progress.save(&place.folder)?;
    let done = progress.tasks.values().filter(|entry| entry.solved).count();
    let (name, all) = (&task.name, place.tasks.len());
    let verdict = match task.kind {
        Kind::Bug => "Found and fixed",
        Kind::Exercise => "Solved",
    };
    Ok(Answer::good(format!(
        "{verdict}{how}: all tests pass. That is {done} of {all}.\n`cargo \
         practice solution {name}` shows how we would put it.\n"
    )))
}

/// Why a check that passed proves nothing: the test was skipped, because this
/// machine lacks a tool or a right.
pub fn skipped(said: &str) -> Option<&str> {
    let (_, why) = said.split_once("SKIPPED: ")?;
    why.lines().next().map(|line| line.trim_end_matches(')'))
}

/// The part of a test's output that tells what failed.
pub fn failure(said: &str) -> &str {
    let begin = said.find("---- ").unwrap_or(0);
    let rest = said.get(begin..).unwrap_or(said);
    let end = rest.find("\nfailures:\n    ").unwrap_or(rest.len());
    rest.get(..end).unwrap_or(rest).trim_end()
}
