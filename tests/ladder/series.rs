//! The sub-steps of a stage: complete headers, and patches that make the stage
//! of the one before.

use conversations::number::Number;
use conversations::variant::files::{Files, read};
use conversations::variant::header::TODO;
use conversations::variant::patch::Patch;
use conversations::variant::rung::FIELDS;
use conversations::variant::stages::{DECLARED, Ladder, Stage};

use crate::check::is_sentence;
use crate::declared::Declared;
use crate::step::{Step, first_difference};

/// Fields that are one sentence.
const SENTENCES: [&str; 2] = ["Idea", "Lacks"];

/// Checks headers, and that the series composes to the stage.
///
/// # Errors
/// In words, if a stage can't be read.
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

/// The first stage can't have sub-steps.
///
/// # Errors
/// In words, if they can't be read.
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

/// Every field is there and says something, and there is no other.
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
            "{name}: {} in the header must still be written",
            unwritten.join(", ")
        ));
    }
    for other in header.names().filter(|name| !FIELDS.contains(name)) {
        problems.push(format!(
            "{name}: the header has a field `{other}`; it may have {}",
            FIELDS.join(", ")
        ));
    }
}

fn does_not_apply(why: &str, number: Number, before: Number) -> String {
    format!(
        "{number} does not apply to {before}:\n    {why}.\n    \
         See it:  cargo ladder checkout {before} DIR, and the patch at that \
         line.\n    \
         If stages were edited:  `cargo ladder carry FILE` takes an edit to \
         all other trees,\n    `cargo ladder follow` takes the edits of all \
         stages to the sub-steps, and\n    `cargo ladder record N` keeps \
         stage N's to itself."
    )
}

/// A patch is written in one way only, so that a rewritten one shows just what
/// has changed.
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
            "{}:{line}: the patch applies, but is not in the form that `cargo \
             ladder record`\n    writes: files in order, three lines of \
             context. Write it anew:\n    \
             cargo ladder checkout {number} DIR && cargo ladder record \
             {number} DIR",
            patch.name()
        ));
    }
    Ok(())
}

/// The last sub-step is the stage, to the byte.
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
                    "{name}/{file}:{line} is not what the sub-steps make of it"
                ),
            },
            (Some(_), None) => {
                format!("the sub-steps make a {file}, and {name} has none")
            }
            _ => format!("{name}/{file} is made by none of the sub-steps"),
        };
        problems.push(format!(
            "{number} is not what {name} is: {fact}.\n    \
             See it:  cargo ladder checkout {number} DIR && diff -u DIR/{file} \
             {name}/{file}\n    \
             If {name} is right:  `cargo ladder follow` takes its edits to \
             the sub-steps,\n    and `cargo ladder record {}` to the last one \
             alone.",
            number.stage
        ));
    }
    Ok(())
}

/// Each sub-step is within the budget of its stage, and only one kind of
/// budget is declared.
///
/// # Errors
/// In words, if the series can't be composed.
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
            "has a `budget`, but its sub-steps are what is held to one: use \
             `step_budget`"
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
                "{number} is too large to be read in one go:\n    \
                 {changed} lines of src/ change ({added} added, {removed} \
                 removed), {budget} may.\n    \
                 See it:  cargo ladder diff {number}"
            ));
        }
    }
    Ok(())
}
