//! The list of tests, and the program that runs them.

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Completion, Trial};

use crate::runner::{Pace, play};
use crate::script::{Place, Script};
use crate::snapshot::{HOW_TO_ACCEPT, Slot, Verdict};
use crate::stage::{Case, Outcome, PASSED, Stage};
use crate::{cases, contract, fixtures, orphans, report, script, snapshot};

/// Tests wait far more than they compute: more of them than cores can run.
const THREADS: usize = 8;

/// The name of the second test of each script ends so.
const BYTE_BY_BYTE: &str = " byte by byte";

/// Runs all promises that `stage` must keep, as the command line's filter
/// and flags say (those of libtest), and removes the site afterwards.
#[must_use]
pub fn run(stage: Stage) -> ExitCode {
    silence_insta();
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let trials = trials(&Arc::new(stage));
    let conclusion = libtest_mimic::run(&arguments, trials);
    fixtures::remove();
    conclusion.exit_code()
}

/// insta shows a difference too, in its own way; ours names the promise.
fn silence_insta() {
    if std::env::var_os("INSTA_OUTPUT").is_none() {
        // SAFETY: `main` calls this before it starts any thread.
        unsafe { std::env::set_var("INSTA_OUTPUT", "none") };
    }
}

/// All tests of `stage`: two for each script, one for each Rust-coded case.
#[must_use]
pub fn trials(stage: &Arc<Stage>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for place in script::find_all(script::folder()) {
        trials.extend(script_trials(stage, &place));
    }
    for case in cases::all() {
        let ours = case.any_server || stage.is_ours();
        if ours && (case.from..=case.until).contains(&stage.number) {
            let stage = Arc::clone(stage);
            trials.push(Trial::ignorable_test(case.name, move || {
                run_case(&case, &stage)
            }));
        }
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
    // A script that can't be read fails its own test, and no other.
    let script = match place.load() {
        Ok(script) => Arc::new(script),
        Err(why) => {
            return vec![Trial::test(name, move || Err(why.into()))];
        }
    };
    if !(script.from..=script.until).contains(&stage.number) {
        return Vec::new();
    }
    let mut paces = vec![(name.clone(), Pace::Whole)];
    if script.split {
        paces.push((name + BYTE_BY_BYTE, Pace::ByteByByte));
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

/// Runs one Rust-coded case; a failure names the promise first.
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
        let why = format!("it needs the flags {}", script.flags.join(" "));
        return Ok(Completion::ignored_with(why));
    }
    let promise = script.promise.join("\n");
    let slot = Slot { group: file.group.clone(), name: file.name.clone() };
    let mut played = play(script, stage, pace);
    let verdict = match &played.trouble {
        Some(_) => Verdict::Missing,
        None if !stage.is_ours() => {
            played.transcript = contract::canonical(&played.transcript);
            by_contract(&slot, &played.transcript)
        }
        None if pace == Pace::Whole => slot.check(&promise, &played.transcript),
        None if snapshot::is_updating() => {
            let whole = play(script, stage, Pace::Whole).transcript;
            same(whole, &played.transcript)
        }
        None => slot.compare(&played.transcript),
    };
    let got = played.transcript;
    let what = match (played.trouble, verdict) {
        (Some(trouble), _) => format!("{trouble}\n\nSo far:\n\n{got}"),
        (None, Verdict::Same) => return Ok(PASSED),
        (None, Verdict::Missing) => format!(
            "There is no snapshot {} yet. This came:\n\n{got}\n\n\
             {HOW_TO_ACCEPT}",
            slot.shown()
        ),
        (None, Verdict::Differs(expected)) => {
            report::difference(&expected, &got)
        }
    };
    let heading = report::heading(title, &promise, &file.shown());
    Err(format!("{heading}\n{}{what}", played.clues.text()).into())
}

/// Compares snapshot and transcript by the contract only.
fn by_contract(slot: &Slot, got: &str) -> Verdict {
    match slot.stored() {
        Some(stored) => same(contract::canonical(&stored), got),
        None => Verdict::Missing,
    }
}

fn same(expected: String, got: &str) -> Verdict {
    if expected == got { Verdict::Same } else { Verdict::Differs(expected) }
}
