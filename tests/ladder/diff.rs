//! Prints one step in full, in the format of `diff -ruN`.

use std::collections::BTreeSet;

use conversations::number::Number;
use conversations::variant::rung::Rung;
use conversations::variant::stages::Ladder;
use similar::TextDiff;

use crate::step::{Difference, Kind, Step, text};
use conversations::command::{Answer, Failure};

const BOLD: &str = "\x1b[1m";
const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const CYAN: &str = "\x1b[36m";
const PLAIN: &str = "\x1b[0m";

/// The unified diff from the previous tree to tree `number`, for one file or
/// for all files.
///
/// # Errors
/// The tree or the file does not exist or can't be read.
pub fn diff(
    ladder: &Ladder,
    number: Number,
    file: Option<&str>,
    colour: bool,
) -> Result<Answer, Failure> {
    let numbers = ladder.numbers()?;
    // The first tree has no predecessor.
    crate::known(numbers.get(1..).unwrap_or_default(), number)?;
    let before = ladder.rung_before(number)?;
    let after = ladder.rung(number)?;
    let file = file.map(|file| find(&before, &after, file)).transpose()?;
    let step = Step::new(&before, &after);
    let mut lines = Vec::new();
    for difference in &step.differences {
        if file.as_ref().is_none_or(|file| *file == difference.file) {
            add_file(&mut lines, &step, difference);
        }
    }
    if let Some(file) = file.filter(|_| lines.is_empty()) {
        let (before, after) = (before.name(), after.name());
        let text = format!("{file} is the same in {before} and {after}.\n");
        return Ok(Answer::good(text));
    }
    let painted = lines.iter().map(|(paint, line)| {
        if colour && !paint.is_empty() {
            format!("{paint}{line}{PLAIN}\n")
        } else {
            format!("{line}\n")
        }
    });
    Ok(Answer::good(painted.collect()))
}

/// Finds a file by its path inside the crate, with or without the crate's
/// folder in front, or by the end of its path if that is unambiguous.
fn find(before: &Rung, after: &Rung, wanted: &str) -> Result<String, Failure> {
    let files: BTreeSet<_> =
        before.files.keys().chain(after.files.keys()).cloned().collect();
    let (old, new) = (before.name(), after.name());
    let folders = [&old, &new, &after.stage.name];
    let wanted = folders
        .into_iter()
        .find_map(|name| wanted.strip_prefix(name.as_str())?.strip_prefix('/'))
        .unwrap_or(wanted);
    if files.contains(wanted) {
        return Ok(wanted.to_owned());
    }
    let end = format!("/{wanted}");
    let meant: BTreeSet<_> =
        files.into_iter().filter(|file| file.ends_with(&end)).collect();
    let count = meant.len();
    let mut meant = meant.into_iter();
    match (count, meant.next()) {
        (1, Some(file)) => Ok(file),
        (_, None) => Err(Failure::Usage(format!(
            "neither {old} nor {new} has a file `{wanted}` to compare"
        ))),
        (_, Some(first)) => Err(Failure::Usage(format!(
            "`{wanted}` is ambiguous: {first} or {}?",
            meant.collect::<Vec<_>>().join(" or ")
        ))),
    }
}

/// Adds the lines of one file's diff, each with its colour.
fn add_file(
    lines: &mut Vec<(&'static str, String)>,
    step: &Step,
    difference: &Difference,
) {
    let (file, kind) = (&difference.file, difference.kind);
    let old_name = format!("{}/{file}", step.before.name());
    let new_name = format!("{}/{file}", step.after.name());
    lines.push((BOLD, format!("diff -ruN {old_name} {new_name}")));
    let missing = "/dev/null";
    let old_is = if kind == Kind::Appears { missing } else { &old_name };
    let new_is = if kind == Kind::Disappears { missing } else { &new_name };
    lines.push((BOLD, format!("--- {old_is}")));
    lines.push((BOLD, format!("+++ {new_is}")));
    let old = text(&step.before.files, file);
    let new = text(&step.after.files, file);
    let hunks = TextDiff::from_lines(old, new).unified_diff().to_string();
    for line in hunks.split_terminator('\n') {
        let paint = match line.chars().next() {
            Some('+') => GREEN,
            Some('-') => RED,
            Some('@') => CYAN,
            _ => "",
        };
        lines.push((paint, line.to_owned()));
    }
}
