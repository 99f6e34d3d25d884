//! The table of all steps.

use conversations::variant::rung::Rung;
use conversations::variant::stages::Ladder;

use crate::Answer;
use crate::declared::{self, Declared};
use crate::step::Step;

/// How wide a line may be, in characters.
const WIDTH: usize = 80;

/// Every step, file by file, and what is the same in all stages.
///
/// # Errors
/// In words, if a file can't be read.
pub fn table(ladder: &Ladder) -> Result<Answer, String> {
    let declared = declared::load(ladder)?;
    let mut lines = Vec::new();
    let stages = ladder.whole()?;
    for (before, after) in stages.iter().zip(stages.iter().skip(1)) {
        let step = Step::new(before, after);
        add_step(&mut lines, &step, declared.get(&after.stage.name));
        lines.push(String::new());
    }
    lines.push(format!("the same in all {} stages", ladder.stages.len()));
    lines.push(String::new());
    wrap(&mut lines, 4, &same_everywhere(&stages).join(" "));
    Ok(Answer::good(lines.join("\n") + "\n"))
}

fn add_step(lines: &mut Vec<String>, step: &Step, declared: Option<&Declared>) {
    lines.push(format!("{} -> {}", step.before.name(), step.after.name()));
    lines.push(String::new());
    for difference in &step.differences {
        let file = &difference.file;
        lines.push(row(file, (difference.added, difference.removed), ""));
        let why = declared
            .and_then(|declared| declared.of(difference.kind).get(file))
            .map_or("not declared: see `cargo ladder check`", String::as_str);
        wrap(lines, 8, why);
    }
    let of = declared.map_or(String::new(), |declared| {
        format!("{} of {} lines", step.changed_lines(), declared.budget)
    });
    lines.push(row("all of src/", step.total("src/"), &of));
    lines.push(row("all", step.total(""), ""));
}

fn row(name: &str, (added, removed): (usize, usize), note: &str) -> String {
    let (added, removed) = (format!("+{added}"), format!("-{removed}"));
    let row = format!("    {name:<32}{added:>7}{removed:>7}  {note}");
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

/// Adds a text, indented, in lines of at most [`WIDTH`].
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
