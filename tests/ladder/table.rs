//! Prints the table of all steps.

use conversations::variant::rung::Rung;
use conversations::variant::stages::{Ladder, Stage};

use crate::declared::{self, Declared};
use crate::step::Step;
use conversations::command::Answer;

/// Width of the column of names, in characters.
const NAME: usize = 32;

/// Maximum length of a line, in characters.
const WIDTH: usize = 80;

/// Every step, file by file, and the files that are the same in all stages.
///
/// # Errors
/// A file can't be read.
pub fn table(ladder: &Ladder) -> Result<Answer, String> {
    let declared = declared::load(ladder)?;
    let mut lines = Vec::new();
    let stages = ladder.whole()?;
    for (before, after) in stages.iter().zip(stages.iter().skip(1)) {
        let step = Step::new(before, after);
        let declared = declared.get(&after.stage.name);
        lines.push(format!("{} -> {}", before.name(), after.name()));
        lines.push(String::new());
        add_sub_steps(&mut lines, ladder, &after.stage, declared)?;
        add_files(&mut lines, &step, declared);
        lines.push(String::new());
    }
    lines.push(format!("the same in all {} stages", ladder.stages.len()));
    lines.push(String::new());
    wrap(&mut lines, 4, &same_everywhere(&stages).join(" "));
    Ok(Answer::good(lines.join("\n") + "\n"))
}

/// Adds the sub-steps of a stage: title, size and idea.
fn add_sub_steps(
    lines: &mut Vec<String>,
    ladder: &Ladder,
    stage: &Stage,
    declared: Option<&Declared>,
) -> Result<(), String> {
    let rungs = ladder.sub_steps(stage)?;
    let budget = declared.and_then(|declared| declared.step_budget);
    for (before, after) in rungs.iter().zip(rungs.iter().skip(1)) {
        let Some(patch) = &after.patch else { continue };
        let (header, step) = (&patch.header, Step::new(before, after));
        let name = format!("{}  {}", after.number, header.paragraph("Title"));
        if name.chars().count() > NAME {
            lines.push(format!("    {name}"));
            lines.push(row("", step.total("src/"), &size(&step, budget)));
        } else {
            lines.push(row(&name, step.total("src/"), &size(&step, budget)));
        }
        wrap(lines, 9, &header.paragraph("Idea"));
    }
    if rungs.len() > 1 {
        lines.push(String::new());
    }
    Ok(())
}

fn size(step: &Step, budget: Option<usize>) -> String {
    budget.map_or(String::new(), |budget| {
        format!("{} of {budget} lines", step.changed_lines())
    })
}

/// Adds the files that differ, with the reasons.
fn add_files(
    lines: &mut Vec<String>,
    step: &Step,
    declared: Option<&Declared>,
) {
    for difference in &step.differences {
        let file = &difference.file;
        lines.push(row(file, (difference.added, difference.removed), ""));
        let why = declared
            .and_then(|declared| declared.of(difference.kind).get(file))
            .map_or("not declared: see `cargo ladder check`", String::as_str);
        wrap(lines, 8, why);
    }
    let of = size(step, declared.and_then(|declared| declared.budget));
    lines.push(row("all of src/", step.total("src/"), &of));
    lines.push(row("all", step.total(""), ""));
}

fn row(name: &str, (added, removed): (usize, usize), note: &str) -> String {
    let (added, removed) = (format!("+{added}"), format!("-{removed}"));
    let row = format!("    {name:<NAME$}{added:>7}{removed:>7}  {note}");
    row.trim_end().to_owned()
}

fn same_everywhere(stages: &[Rung]) -> Vec<String> {
    let Some((first, others)) = stages.split_first() else {
        return Vec::new();
    };
    let same = first.files.iter().filter(|(file, text)| {
        others.iter().all(|other| other.files.get(*file) == Some(text))
    });
    same.map(|(file, _)| file.clone()).collect()
}

/// Adds an indented text, wrapped to lines of at most [`WIDTH`] characters.
fn wrap(lines: &mut Vec<String>, indent: usize, text: &str) {
    let mut line = String::new();
    for word in text.split_whitespace() {
        let width = indent + line.chars().count() + 1 + word.chars().count();
        if !line.is_empty() && width > WIDTH {
            lines.push(format!("{:indent$}{line}", ""));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(format!("{:indent$}{line}", ""));
    }
}
