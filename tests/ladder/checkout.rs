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
/// If there is no such tree, or the folder has anything in it.
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
        "{number} is in {folder}. README.md there says what to try.\n"
    )))
}

/// Nothing of anybody's may be overwritten.
fn refuse_used(folder: &Path) -> Result<(), Failure> {
    if fs::symlink_metadata(folder).is_err() {
        return Ok(());
    }
    let mut entries = fs::read_dir(folder).map_err(|e| told(folder, &e))?;
    if entries.next().is_none() {
        return Ok(());
    }
    Err(Failure::Blocked(format!(
        "{} is not empty, and nothing was written: name a new folder",
        folder.display()
    )))
}

/// What a reader of the new crate should know.
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
        "# {number} {}\n\n{}\n\nThis is a sub-step on the way to {stage}, \
         made from {} by\n`{}`: +{added} -{removed} lines of `src/`, which \
         `cargo ladder diff {number}` shows.\n\n## Try\n\n",
        header.paragraph("Title"),
        header.paragraph("Idea"),
        before.name(),
        patch.name(),
    );
    for line in header.lines("Try") {
        let _ = writeln!(text, "    {line}");
    }
    let lacks = header.paragraph("Lacks");
    let _ = write!(text, "\n## What it still lacks\n\n{lacks}\n");
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
         The crate is a workspace of its own. Its tests use the conversations \
         in\n`{}`,\nand nothing else of the course.\n",
        tests.display()
    )
}
