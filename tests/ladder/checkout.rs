//! Writes a tree of the ladder as a crate of its own.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use conversations::number::Number;
use conversations::variant::Variant;
use conversations::variant::files::{told, write_if_changed};
use conversations::variant::stages::Ladder;

use crate::step::Step;
use conversations::command::{Answer, Failure};

/// Writes the crate into a folder, which must be new or empty.
///
/// # Errors
/// The ladder has no such tree, or the folder is not empty.
pub fn checkout(
    ladder: &Ladder,
    number: Number,
    folder: &Path,
) -> Result<Answer, Failure> {
    crate::known(&ladder.numbers()?, number)?;
    let variant = Variant::new(ladder, number)?;
    refuse_used(folder)?;
    variant.write(folder)?;
    let readme = readme(ladder, &variant)?;
    write_if_changed(&folder.join("README.md"), &readme)?;
    let folder = folder.display();
    Ok(Answer::good(format!(
        "{number} is in {folder}. Its README.md shows what to try.\n"
    )))
}

/// Refuses a folder that has files in it, so that nobody's work is overwritten.
fn refuse_used(folder: &Path) -> Result<(), Failure> {
    if fs::symlink_metadata(folder).is_err() {
        return Ok(());
    }
    let mut entries = fs::read_dir(folder).map_err(|e| told(folder, &e))?;
    if entries.next().is_none() {
        return Ok(());
    }
    Err(Failure::Blocked(format!(
        "{} is not empty, so nothing was written: choose a new folder",
        folder.display()
    )))
}

/// The README for the new crate.
fn readme(ladder: &Ladder, variant: &Variant) -> Result<String, String> {
    let rung = &variant.base;
    let (number, stage) = (rung.number, &rung.stage.name);
    let mut text = String::new();
    let Some(patch) = &rung.patch else {
        let _ = write!(text, "# {stage}\n\nA copy of {stage}.\n");
        text.push_str(&usage(ladder));
        return Ok(text);
    };
    let header = &patch.header;
    let before = ladder.rung_before(number)?;
    let (added, removed) = Step::new(&before, rung).total("src/");
    let _ = write!(
        text,
        "# {number} {}\n\n{}\n\nThis is a sub-step on the way to {stage}. It \
         is {} plus\n`{}`: +{added} -{removed} lines in `src/`.\n\
         `cargo ladder diff {number}` shows them.\n\n## Try it\n\n",
        header.paragraph("Title"),
        header.paragraph("Idea"),
        before.name(),
        patch.name(),
    );
    for line in header.lines("Try") {
        let _ = writeln!(text, "    {line}");
    }
    let lacks = header.paragraph("Lacks");
    let _ = write!(text, "\n## What's still missing\n\n{lacks}\n");
    text.push_str(&usage(ladder));
    Ok(text)
}

fn usage(ladder: &Ladder) -> String {
    let tests = ladder.root.join("tests");
    format!(
        "\n## Run and test it\n\n    \
         cargo run -- .          # serves this folder\n    \
         cargo run -- --help\n    \
         cargo test\n\n\
         You can build this crate outside the course's workspace. It needs \
         only the test\nsuite in `{}`.\n",
        tests.display()
    )
}
