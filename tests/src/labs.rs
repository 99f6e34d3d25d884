//! The labs, `stageN-*/examples/NAME.rs`: each is also a test.
//!
//! A lab is an example that passes its experiment to [`crate::lab::run`]. Other
//! examples, such as a server, are not tested here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use libtest_mimic::{Completion, Trial};

use crate::lab::{NOT_HERE, child, table};
use crate::stage::{Outcome, Stage};
use crate::{built, report, truth};

/// Only labs make this call.
const MARK: &str = "lab::run(";

/// A lab's source file.
#[derive(Debug, Clone)]
struct Found {
    name: String,
    /// The question that its doc comment begins with.
    question: String,
}

/// The tests of a stage's labs: `labs::NAME`.
#[must_use]
pub fn trials(stage: &Stage) -> Vec<Trial> {
    let Ok(binary) = stage.binary() else { return Vec::new() };
    // A sub-step is built without labs: they may use what comes later.
    if stage.at.step.is_some() {
        return Vec::new();
    }
    let programs = binary.with_file_name("examples");
    find(&folder(&stage.name))
        .into_iter()
        .map(|lab| {
            let (stage, program) = (stage.clone(), programs.join(&lab.name));
            Trial::ignorable_test(format!("labs::{}", lab.name), move || {
                run(&stage, &lab, &program)
            })
        })
        .collect()
}

/// Whether a stage has the lab of this snapshot, `lab-NAME`.
#[must_use]
pub fn exists(stage: &str, snapshot: &str) -> bool {
    let name = snapshot.strip_prefix("lab-").unwrap_or_default();
    find(&folder(stage)).iter().any(|lab| lab.name == name)
}

fn folder(stage: &str) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.with_file_name(stage).join("examples")
}

fn find(folder: &Path) -> Vec<Found> {
    // A stage without labs has no such directory.
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut labs: Vec<_> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let source = path.extension()?.to_str()? == "rs";
            let name = path.file_stem()?.to_str()?.to_owned();
            let text = fs::read_to_string(&path).ok()?;
            let question = question(&text);
            (source && text.contains(MARK)).then_some(Found { name, question })
        })
        .collect();
    labs.sort_by(|a, b| a.name.cmp(&b.name));
    labs
}

/// The first paragraph of the doc comment.
fn question(source: &str) -> String {
    let lines = source.lines().map_while(|line| line.strip_prefix("//! "));
    lines.collect::<Vec<_>>().join("\n")
}

fn run(stage: &Stage, lab: &Found, program: &Path) -> Outcome {
    let title = format!("labs::{}", lab.name);
    judge(stage, lab, program).map_err(|failed| {
        let why = failed.message().unwrap_or("failed").to_owned();
        let place = format!("{}/examples/{}.rs", stage.name, lab.name);
        let heading = report::heading(&title, &lab.question, &place);
        format!("{heading}\n{why}").into()
    })
}

fn judge(stage: &Stage, lab: &Found, program: &Path) -> Outcome {
    built::check(program, &stage.name)?;
    let output = Command::new(program).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        return Err(how_it_failed(&output, &text).into());
    }
    // No tool can change what this kernel allows, so even with REQUIRE_TOOLS
    // this isn't a failure.
    if let Some(why) = text.strip_prefix(NOT_HERE) {
        // After the reason, a lab may print what it could do.
        let why = why.lines().next().unwrap_or_default();
        let why = format!("SKIPPED: labs::{}: {why}", lab.name);
        eprintln!("{why}");
        return Ok(Completion::ignored_with(why));
    }
    let widest = text.lines().find(|l| l.chars().count() > table::WIDEST);
    if let Some(line) = widest {
        return Err(format!("a line is wider than a slide:\n{line}").into());
    }
    let name = format!("lab-{}", lab.name);
    truth::check(stage, &name, &lab.question, text.trim_end())
}

fn how_it_failed(output: &Output, text: &str) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    let how = child::ending(output.status);
    format!("The lab ended with {how}.\n\n{text}{errors}")
}
