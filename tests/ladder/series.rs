//! Checks the sub-steps of a stage: their headers must be complete, and their
//! patches must turn the previous stage into this one.

use conversations::number::Number;
use conversations::variant::files::{Files, read};
use conversations::variant::header::TODO;
use conversations::variant::patch::Patch;
use conversations::variant::rung::FIELDS;
use conversations::variant::stages::{DECLARED, Ladder, Stage};

use crate::check::is_sentence;
use crate::declared::Declared;
use crate::step::{Step, first_difference};

/// Fields that must be one sentence.
const SENTENCES: [&str; 2] = ["Idea", "Lacks"];

/// Checks the headers, and that the patches produce the stage.
///
/// # Errors
/// A stage can't be read.
pub fn steps(
    ladder: &Ladder,
    stage: &Stage,
    problems: &mut Vec<String>,
) -> Result<(), String> {
    let patches = match stage.patches() {
        Ok(patches) => patches,
        Err(why) => {
            problems.push(why);
            return Ok(());
        }
    };
    for patch in &patches {
        header(patch, problems);
    }
    if patches.is_empty() {
        return Ok(());
    }
    let base = ladder.before(stage)?;
    let mut files = base.files()?;
    let mut before = Number::stage(base.number);
    for (step, patch) in (1..).zip(&patches) {
        let number = Number::step(stage.number, step);
        let after = match patch.apply(&files) {
            Ok(after) => after,
            Err(why) => {
                problems.push(does_not_apply(&why, number, before));
                return Ok(());
            }
        };
        form(patch, number, &files, &after, problems)?;
        files = after;
        before = number;
    }
    end(stage, before, &files, problems)
}

/// Checks that the first stage has no sub-steps.
///
/// # Errors
/// Its folder of sub-steps can't be read.
pub fn nothing_before(
    ladder: &Ladder,
    problems: &mut Vec<String>,
) -> Result<(), String> {
    let Some(first) = ladder.stages.first() else { return Ok(()) };
    if !first.patches()?.is_empty() {
        problems.extend(ladder.before(first).err());
    }
    Ok(())
}

/// Checks that a header has every field, none of them empty, and no others.
fn header(patch: &Patch, problems: &mut Vec<String>) {
    let (name, header) = (patch.name(), &patch.header);
    let mut unwritten = Vec::new();
    for field in FIELDS {
        let value = header.paragraph(field);
        if value.is_empty() {
            problems.push(format!("{name}: the header has no `{field}: …`"));
        } else if value.contains(TODO) {
            unwritten.push(field);
        } else if SENTENCES.contains(&field) && !is_sentence(&value) {
            problems.push(format!(
                "{name}: `{field}:` must be one sentence, with a full stop"
            ));
        }
    }
    if !unwritten.is_empty() {
        problems.push(format!(
            "{name}: fill in {} in the header",
            unwritten.join(", ")
        ));
    }
    for other in header.names().filter(|name| !FIELDS.contains(name)) {
        problems.push(format!(
            "{name}: unknown field `{other}` in the header; the fields are {}",
            FIELDS.join(", ")
        ));
    }
}

fn does_not_apply(why: &str, number: Number, before: Number) -> String {
    format!(
        "{number} does not apply to {before}:\n    {why}.\n    \
         To see it:  run `cargo ladder checkout {before} DIR`, and read the \
         patch at that line.\n    \
         If stages were edited:  `cargo ladder carry FILE` applies one file's \
         edit to all\n    other trees, `cargo ladder follow` applies the edits \
         of all stages to the\n    sub-steps, and `cargo ladder record N` \
         keeps the edit of stage N out of all\n    other trees."
    )
}

/// Checks a patch's format. There is only one, so that the git history of a
/// rewritten patch shows nothing but its changes.
fn form(
    patch: &Patch,
    number: Number,
    before: &Files,
    after: &Files,
    problems: &mut Vec<String>,
) -> Result<(), String> {
    let (is, expected) = (read(&patch.path)?, patch.between(before, after)?);
    if let Some(line) = first_difference(&is, &expected.text()) {
        problems.push(format!(
            "{}:{line}: the patch applies, but its format is not that of \
             `cargo ladder record`:\n    sorted files, three lines of context. \
             To rewrite it:\n    \
             cargo ladder checkout {number} DIR && cargo ladder record \
             {number} DIR",
            patch.name()
        ));
    }
    Ok(())
}

/// Checks that the last sub-step equals the stage, byte for byte.
fn end(
    stage: &Stage,
    number: Number,
    files: &Files,
    problems: &mut Vec<String>,
) -> Result<(), String> {
    let (name, there) = (&stage.name, stage.files()?);
    let mut all: Vec<_> = files.keys().chain(there.keys()).collect();
    all.sort();
    all.dedup();
    for file in all {
        let fact = match (files.get(file), there.get(file)) {
            (Some(made), Some(is)) => match first_difference(made, is) {
                None => continue,
                Some(line) => format!(
                    "{name}/{file}:{line} differs from what the sub-steps \
                     produce"
                ),
            },
            (Some(_), None) => {
                format!(
                    "the sub-steps create {file}, but {name} has no such file"
                )
            }
            _ => format!("no sub-step creates {name}/{file}"),
        };
        problems.push(format!(
            "{number} does not equal {name}: {fact}.\n    \
             To see it:  cargo ladder checkout {number} DIR && diff -u \
             DIR/{file} {name}/{file}\n    \
             If {name} is right:  `cargo ladder follow` applies its edits to \
             all sub-steps,\n    and `cargo ladder record {}` only to the last \
             one.",
            number.stage
        ));
    }
    Ok(())
}

/// Checks that each sub-step is within the stage's budget, and that only one
/// kind of budget is declared.
///
/// # Errors
/// A patch does not apply.
pub fn budget(
    ladder: &Ladder,
    stage: &Stage,
    declared: &Declared,
    problems: &mut Vec<String>,
) -> Result<(), String> {
    let name = &stage.name;
    let rungs = ladder.sub_steps(stage)?;
    let wrong = match (declared.budget, declared.step_budget) {
        (_, Some(_)) if rungs.is_empty() => {
            "has a `step_budget`, but the stage has no sub-steps"
        }
        (None, _) if rungs.is_empty() => "needs a `budget`",
        (Some(_), _) if !rungs.is_empty() => {
            "has a `budget`, but a stage with sub-steps needs a `step_budget` \
             instead"
        }
        (_, None) if !rungs.is_empty() => "needs a `step_budget`",
        _ => "",
    };
    if !wrong.is_empty() {
        problems.push(format!("{DECLARED}: [{name}] {wrong}."));
    }
    let Some(budget) = declared.step_budget else { return Ok(()) };
    for (before, after) in rungs.iter().zip(rungs.iter().skip(1)) {
        let step = Step::new(before, after);
        let (changed, number) = (step.changed_lines(), after.number);
        if changed > budget {
            let (added, removed) = step.total("src/");
            problems.push(format!(
                "{number} is too large to read in one go:\n    \
                 {changed} lines of src/ change ({added} added, {removed} \
                 removed); the budget is {budget}.\n    \
                 To see it:  cargo ladder diff {number}"
            ));
        }
    }
    Ok(())
}
