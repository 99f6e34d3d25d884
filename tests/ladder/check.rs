//! Every difference must be declared, every declaration must match a
//! difference, and a step must be small enough to read.

use clap::ValueEnum;
use conversations::variant::rung::Rung;
use conversations::variant::stages::{DECLARED, Ladder};

use crate::declared::{self, Declared};
use crate::series;
use crate::step::{Difference, Kind, Step};
use conversations::command::Answer;

/// What to check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Stages differ only where tests/ladder.toml says so
    Files,
    /// No step is larger than tests/ladder.toml allows
    Budget,
    /// The sub-steps turn the previous stage into the stage
    Steps,
}

/// Checks all steps.
///
/// # Errors
/// The check can't run: a file can't be read, or `ladder.toml` is invalid.
pub fn check(ladder: &Ladder, part: Option<Part>) -> Result<Answer, String> {
    let declared = declared::load(ladder)?;
    let mut problems = Vec::new();
    let stages = ladder.whole()?;
    if part.is_none_or(|part| part == Part::Steps) {
        series::nothing_before(ladder, &mut problems)?;
    }
    for (before, after) in stages.iter().zip(stages.iter().skip(1)) {
        let step = Step::new(before, after);
        let Some(declared) = declared.get(&after.stage.name) else {
            problems.push(format!(
                "{DECLARED} says nothing about {0}.\n    Add a section \
                 [{0}] with a budget, the files that change, and the reasons.",
                after.name()
            ));
            continue;
        };
        let all = part.is_none();
        if all || part == Some(Part::Files) {
            files(&step, declared, &mut problems);
        }
        let mut composes = true;
        if all || part == Some(Part::Steps) {
            let known = problems.len();
            series::steps(ladder, &after.stage, &mut problems)?;
            composes = problems.len() == known;
        }
        // If a patch does not apply, there is nothing to measure.
        if (all && composes) || part == Some(Part::Budget) {
            budget(&step, declared, &mut problems);
            series::budget(ladder, &after.stage, declared, &mut problems)?;
        }
    }
    if problems.is_empty() {
        let text = format!(
            "{} stages checked: they differ only where {DECLARED} says so.\n",
            ladder.stages.len()
        );
        return Ok(Answer::good(text));
    }
    Ok(Answer { text: problems.join("\n\n") + "\n", good: false })
}

fn files(step: &Step, declared: &Declared, problems: &mut Vec<String>) {
    for difference in &step.differences {
        if !declared.of(difference.kind).contains_key(&difference.file) {
            problems.push(undeclared(step, difference));
        }
    }
    for kind in Kind::ALL {
        for (file, why) in declared.of(kind) {
            let mut found = step.differences.iter();
            if !found.any(|d| d.kind == kind && d.file == *file) {
                problems.push(no_difference(step, kind, file));
            }
            if !is_sentence(why) {
                problems.push(format!(
                    "{DECLARED} must say why {file} {} in {}:\n    one \
                     sentence, with a full stop.",
                    kind.word(),
                    step.after.name()
                ));
            }
        }
    }
}

/// Whether a text is one sentence: a full stop at the end, and none before.
pub fn is_sentence(why: &str) -> bool {
    why.ends_with('.') && why.len() > 1 && !why.contains(". ")
}

fn undeclared(step: &Step, difference: &Difference) -> String {
    let (before, after) = (step.before.name(), step.after.name());
    let (file, kind) = (&difference.file, difference.kind);
    let (fact, remedy) = match kind {
        Kind::Changes => (
            format!("{after}/{file} is not the same as in {before}"),
            format!(
                "make them equal: `cargo ladder carry {after}/{file}`\n    \
                 or `… carry {before}/{file}` applies one file's edit to the \
                 others"
            ),
        ),
        Kind::Appears => (
            format!("{after}/{file} has no counterpart in {before}"),
            format!("copy it to {before}, or remove it"),
        ),
        Kind::Disappears => (
            format!("{before}/{file} has no counterpart in {after}"),
            format!("copy it to {after}, or remove it"),
        ),
    };
    let number = step.after.number;
    format!(
        "{fact}, and {DECLARED} does not say why.\n    \
         To see it:  cargo ladder diff {number} {file}\n    \
         If the difference is part of the lesson of stage {number}, give the \
         reason under\n    [{after}.{}]. Otherwise {remedy}.",
        kind.word()
    )
}

fn no_difference(step: &Step, kind: Kind, file: &str) -> String {
    let (before, after) = (step.before.name(), step.after.name());
    let has = |rung: &Rung| rung.files.contains_key(file);
    let fact = match (has(step.before), has(step.after)) {
        (true, true) if kind == Kind::Changes => {
            format!("it is the same as in {before}")
        }
        (true, true) => format!("both {before} and {after} have it"),
        (true, false) => format!("only {before} has it"),
        (false, true) => format!("{before} does not have it"),
        (false, false) => format!("neither {before} nor {after} has it"),
    };
    format!(
        "{DECLARED} says that {file} {0} in {after},\n    but {fact}.\n    \
         To see it:  cargo ladder diff {1}\n    \
         Correct [{after}.{0}].",
        kind.word(),
        step.after.number
    )
}

fn budget(step: &Step, declared: &Declared, problems: &mut Vec<String>) {
    let (added, removed) = step.total("src/");
    let changed = step.changed_lines();
    // A stage with sub-steps has no limit of its own: each sub-step has one.
    let Some(budget) = declared.budget else { return };
    if changed > budget {
        let (number, name) = (step.after.number, step.after.name());
        problems.push(format!(
            "The step to {name} is too large to read in one go:\n    \
             {changed} lines of src/ change ({added} added, {removed} \
             removed); the budget is {budget}.\n    \
             To see it:  cargo ladder diff {number}\n    \
             Remove every hunk that is not part of the lesson of stage \
             {number}."
        ));
    }
}
