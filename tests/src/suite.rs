//! The list of tests, and the program that runs them.

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Completion, Trial};

use crate::runner::{Pace, Played, play};
use crate::script::{Place, Script};
use crate::server::pool;
use crate::snapshot::{HOW_TO_ACCEPT, Slot, Verdict};
use crate::stage::{Case, Outcome, PASSED, Stage, whole_only};
use crate::{
    cases, contract, fixtures, io_limit, labs, orphans, report, script,
    snapshot,
};

/// Tests mostly wait, so we run more of them than there are cores.
const THREADS: usize = 12;

/// With another server nearly all of them may wait until they time out.
const THREADS_OTHER_SERVER: usize = 32;

/// Suffixes of the names of each script's second and third test.
const BYTE_BY_BYTE: &str = " byte by byte";
const TINY_IO: &str = " with tiny I/O";

/// Runs all tests for `stage`, as the command line's filter and flags say
/// (those of libtest), and removes the site afterwards.
#[must_use]
pub fn run(stage: Stage) -> ExitCode {
    silence_insta();
    let mut arguments = Arguments::from_args();
    let threads = if stage.is_ours() { THREADS } else { THREADS_OTHER_SERVER };
    arguments.test_threads.get_or_insert(threads);
    let trials = trials(&Arc::new(stage));
    let conclusion = libtest_mimic::run(&arguments, trials);
    pool::end();
    fixtures::remove();
    conclusion.exit_code()
}

/// insta would print the difference a second time, without the promise.
fn silence_insta() {
    if std::env::var_os("INSTA_OUTPUT").is_none() {
        // SAFETY: `main` calls this before it starts any thread.
        unsafe { std::env::set_var("INSTA_OUTPUT", "none") };
    }
}

/// All tests of `stage`: up to three for each script, one for each Rust-coded
/// case and for each lab.
#[must_use]
pub fn trials(stage: &Arc<Stage>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for place in script::find_all(script::folder()) {
        trials.extend(script_trials(stage, &place));
    }
    for case in cases::all() {
        let ours = case.any_server || stage.is_ours();
        if ours && (case.from..=case.until).contains(&stage.at) {
            let stage = Arc::clone(stage);
            trials.push(Trial::ignorable_test(case.name, move || {
                run_case(&case, &stage)
            }));
        }
    }
    // The labs belong to the whole stage, and use all of it.
    if !whole_only(stage) {
        trials.extend(labs::trials(stage));
    }
    if stage.is_ours() {
        trials.push(Trial::test("every snapshot has a script", || {
            orphans::check().map_err(Into::into)
        }));
    }
    trials
}

fn script_trials(stage: &Arc<Stage>, place: &Place) -> Vec<Trial> {
    let name = format!("{}::{}", place.group, place.name);
    // A script that can't be parsed fails its own test and no other.
    let script = match place.load() {
        Ok(script) => Arc::new(script),
        Err(why) => {
            return vec![Trial::test(name, move || Err(why.into()))];
        }
    };
    if !(script.from..=script.until).contains(&stage.at) {
        return Vec::new();
    }
    let mut paces = vec![(name.clone(), Pace::Whole)];
    let all_forms = !whole_only(stage);
    if script.split && all_forms {
        paces.push((name.clone() + BYTE_BY_BYTE, Pace::ByteByByte));
    }
    if stage.is_ours() && script.io_limit && all_forms {
        // A new script has no snapshot; its whole run fails as well.
        let stored = slot(place).stored().unwrap_or_default();
        let size = io_limit::size(&stored);
        paces.push((name + TINY_IO, Pace::TinyIo(size)));
    }
    paces
        .into_iter()
        .map(|(name, pace)| {
            let (stage, script) = (Arc::clone(stage), Arc::clone(&script));
            let (place, title) = (place.clone(), name.clone());
            Trial::ignorable_test(name, move || {
                run_script(&title, &place, &script, &stage, pace)
            })
        })
        .collect()
}

/// Runs one Rust-coded case; a failure prints the promise first.
///
/// # Errors
/// If the promise is broken.
pub fn run_case(case: &Case, stage: &Stage) -> Outcome {
    (case.run)(stage).map_err(|failed| {
        let why = failed.message().unwrap_or("failed").to_owned();
        let place = format!("server: {}", stage.name);
        let heading = report::heading(case.name, case.promise, &place);
        format!("{heading}\n{why}").into()
    })
}

/// Plays one script and judges the transcript.
///
/// # Errors
/// If the promise is broken, or no snapshot says what keeps it.
pub fn run_script(
    title: &str,
    file: &Place,
    script: &Script,
    stage: &Stage,
    pace: Pace,
) -> Outcome {
    if !stage.is_ours() && !script.flags.is_empty() {
        let why = format!("needs the flags {}", script.flags.join(" "));
        return Ok(Completion::ignored_with(why));
    }
    if !stage.is_ours() && !script.any_server {
        return Ok(Completion::ignored_with("is about our defaults"));
    }
    let promise = script.promise.join("\n");
    let slot = slot(file);
    let played = play(script, stage, pace);
    let clues = played.clues.text();
    let failure = if stage.is_ours() {
        judge(&slot, script, stage, pace, played)
    } else {
        judge_by_contract(&slot, played)
    };
    let Err(failure) = failure else { return Ok(PASSED) };
    let heading = report::heading(title, &promise, &file.shown());
    Err(format!("{heading}\n{clues}{failure}").into())
}

/// The snapshot of a script.
fn slot(file: &Place) -> Slot {
    Slot { group: file.group.clone(), name: file.name.clone() }
}

/// Compares a stage's transcript with the snapshot, byte for byte.
fn judge(
    slot: &Slot,
    script: &Script,
    stage: &Stage,
    pace: Pace,
    played: Played,
) -> Result<(), String> {
    let got = played.transcript;
    if let Some(error) = played.error {
        return Err(format!("{error}\n\nSo far:\n\n{got}"));
    }
    let verdict = if pace == Pace::Whole {
        slot.check(&script.promise.join("\n"), &got)
    } else if snapshot::is_updating() {
        let whole = play(script, stage, Pace::Whole).transcript;
        if whole == got { Verdict::Same } else { Verdict::Differs(whole) }
    } else {
        slot.compare(&got)
    };
    match verdict {
        Verdict::Same => Ok(()),
        Verdict::Missing => Err(format!(
            "There is no snapshot {} yet. The \
             transcript:\n\n{got}\n\n{HOW_TO_ACCEPT}",
            slot.shown()
        )),
        Verdict::Differs(expected) => Err(report::difference(&expected, &got)),
    }
}

/// Compares only what counts for any server; a failure shows only that.
fn judge_by_contract(slot: &Slot, played: Played) -> Result<(), String> {
    let reduce = |text: &str| contract::canonical(&slot.group, text);
    let expected = slot.stored().map(|stored| reduce(&stored));
    let expected = expected
        .ok_or_else(|| format!("there is no snapshot {}", slot.shown()))?;
    let got = reduce(&played.transcript);
    let difference = report::response(&expected, &got);
    match played.error {
        Some(error) => Err(format!("{error}\n\n{difference}")),
        None if expected == got => Ok(()),
        None => Err(difference),
    }
}
