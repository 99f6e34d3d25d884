//! Plants every bug and applies every solution: does each check fail before,
//! with words that lead to the cause, and pass after?

use std::time::Instant;

use conversations::command::{Answer, Failure};
use conversations::variant::task::{Check, Kind, Task};
use conversations::variant::{Variant, lock};

use crate::check::{anything_broken, failure, run_each_time, skipped};
use crate::place::Place;

/// How many seconds a test waits for one event that a bug prevents.
const CEILING: u32 = 5;

/// Verifies these tasks, or all of them.
///
/// # Errors
/// If there is no such task.
pub fn verify(
    place: &Place,
    names: &[String],
    full: bool,
) -> Result<Answer, Failure> {
    let mut tasks: Vec<&Task> = Vec::new();
    for name in names {
        tasks.push(place.task(name)?);
    }
    if names.is_empty() {
        tasks.extend(place.tasks.values());
    }
    let (mut failed, mut skips, started) = (0, 0, Instant::now());
    for task in &tasks {
        let begun = Instant::now();
        let result = one(place, task, full);
        let took = begun.elapsed().as_secs();
        let name = &task.name;
        match result {
            Ok(None) => eprintln!("ok       {name} ({took} s)"),
            Ok(Some(why)) => {
                skips += 1;
                eprintln!("SKIPPED  {name}: {why}");
            }
            Err(why) => {
                failed += 1;
                eprintln!("FAILED   {name} ({took} s)");
                eprintln!("\n{}: {why}\n", task.patch.name());
            }
        }
    }
    let (count, took) = (tasks.len(), started.elapsed().as_secs());
    let text =
        format!("{count} tasks, {failed} failed, {skips} skipped, {took} s\n");
    Ok(Answer { text, good: failed == 0 })
}

/// Verifies one task. Returns why it can't be verified here, if a tool is
/// missing: with `REQUIRE_TOOLS=1` the test itself fails instead.
fn one(
    place: &Place,
    task: &Task,
    full: bool,
) -> Result<Option<String>, String> {
    let _alone = lock(&place.ladder.root)?;
    let start = task.start(&place.ladder)?;
    build(&start, task)?;
    let (passed, said) = run_each_time(&start, &task.check(), Some(CEILING))?;
    if let Some(why) = skipped(&said).filter(|_| passed) {
        return Ok(Some(why.to_owned()));
    }
    if passed {
        return Err("its check passes from the start".to_owned());
    }
    let must = task.says("Says");
    if !said.contains(&must) {
        let said = failure(&said);
        return Err(format!("its check does not say `{must}`:\n{said}"));
    }
    // Without the bug, or before the exercise, it is the stage, whose tests run
    // anyway. Only a test that the patch adds is not among them.
    let solved = task.solved(&place.ladder)?;
    if task.kind == Kind::Bug {
        must_pass(&start, &task.spared())?;
        if solved.files()? == start.base.files {
            return Ok(None);
        }
    }
    build(&solved, task)?;
    must_pass(&solved, &task.check())?;
    if task.kind == Kind::Bug {
        return Ok(None);
    }
    if full {
        let broken = anything_broken(place, task, &solved)?;
        return broken.map_or(Ok(None), |said| Err(failure(&said).to_owned()));
    }
    must_pass(&solved, &task.spared())?;
    Ok(None)
}

/// Builds what the two checks need; a warning would give the bug away.
fn build(variant: &Variant, task: &Task) -> Result<(), String> {
    variant.write(&variant.folder())?;
    let said = variant.build_checks(&[&task.check(), &task.spared()])?;
    if said.is_empty() { Ok(()) } else { Err(said) }
}

fn must_pass(variant: &Variant, check: &Check) -> Result<(), String> {
    let (passed, said) = variant.run_check(check, None)?;
    if passed && !none_ran(&said) {
        return Ok(());
    }
    Err(format!("{} fails:\n{}", check.command(), failure(&said)))
}

/// A filter that matches nothing proves nothing.
fn none_ran(said: &str) -> bool {
    said.contains("running 0 tests")
}
