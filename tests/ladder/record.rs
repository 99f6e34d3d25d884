//! Takes an edited crate as the new tree of a sub-step.

use std::fs;
use std::path::{Path, PathBuf};

use conversations::variant::files::{Files, told, tree};
use conversations::variant::header::Header;
use conversations::variant::manifest::is_resolved;
use conversations::variant::patch::Patch;
use conversations::variant::rung::{FIELDS, Number, STEPS};
use conversations::variant::stages::{Ladder, Stage};

use crate::{Answer, Failure};

/// Where the new tree goes.
struct Place<'a> {
    number: Number,
    stage: &'a Stage,
    /// Its place among the sub-steps, counted from 0.
    index: usize,
    /// All sub-steps; a new one does nothing yet.
    patches: Vec<Patch>,
    new: bool,
}

/// Rewrites the patch of a sub-step, and the next one, so that the sub-step is
/// what a folder has in `src/` and `tests/` and all others stay what they are.
///
/// # Errors
/// If there is no such sub-step and no name for a new one, or the one before
/// can't be composed.
pub fn record(
    ladder: &Ladder,
    number: Number,
    folder: &Path,
    name: Option<&str>,
) -> Result<Answer, Failure> {
    let place = place(ladder, number, name)?;
    let before = ladder.rung_before(number)?.files;
    let recorded = (!place.new)
        .then(|| ladder.rung(number).ok())
        .flatten()
        .map(|rung| rung.files);
    let files = take(&place, folder, &before)?;
    let old =
        place.patches.get(place.index).ok_or("no such patch".to_owned())?;
    let mut patches = vec![old.between(&before, &files)?];
    let mut notes: Vec<_> =
        patches.iter().map(|patch| noted(patch, place.new)).collect();
    if let Some(next) = place.patches.get(place.index + 1) {
        let step = number.step.map(|step| step + 1);
        let next_number = Number { step, ..number };
        match recorded.and_then(|old| next.apply(&old).ok()) {
            Some(after) => {
                let next = next.between(&files, &after)?;
                notes.push(noted(&next, false));
                patches.push(next);
            }
            None => notes.push(format!(
                "left alone    {}: it did not apply before, so what {} should \
                 be is unknown;\n              record it next",
                next.name(),
                next_number
            )),
        }
    } else {
        notes.push(end(&place, &files)?);
    }
    write(&patches)?;
    Ok(Answer::good(notes.join("\n") + "\n"))
}

/// Finds the patch, or the place for a new one.
fn place<'a>(
    ladder: &'a Ladder,
    number: Number,
    name: Option<&str>,
) -> Result<Place<'a>, Failure> {
    let stage = ladder.stage(number.stage).map_err(Failure::Usage)?;
    let Some(step) = number.step else {
        return Err(Failure::Usage(format!(
            "{number} is a stage: edit {} itself",
            stage.name
        )));
    };
    ladder.before(stage).map_err(Failure::Usage)?;
    let mut patches = stage.patches()?;
    let count = patches.len();
    let index = (step as usize).checked_sub(1).filter(|at| *at <= count);
    let Some(index) = index else {
        return Err(Failure::Usage(format!(
            "{number} would leave a gap: the next new one is {}.{}",
            stage.number,
            count + 1
        )));
    };
    let new = index == count;
    match (new, name) {
        (false, None) => {}
        (true, Some(name)) => {
            let path = path(stage, step, name)?;
            let header = Header::to_fill_in(&FIELDS);
            patches.push(Patch::new(path, header));
        }
        (true, None) => {
            return Err(Failure::Usage(format!(
                "there is no {number} yet: `--name NAME` makes it, as {}/\
                 {STEPS}/{step}-NAME.patch",
                stage.name
            )));
        }
        (false, Some(_)) => {
            return Err(Failure::Usage(format!(
                "{number} exists and keeps its name: leave out `--name`"
            )));
        }
    }
    Ok(Place { number, stage, index, patches, new })
}

fn path(stage: &Stage, step: u32, name: &str) -> Result<PathBuf, Failure> {
    let fits =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || !name.chars().all(fits) {
        return Err(Failure::Usage(format!(
            "`{name}` is no name: lower-case letters, digits and hyphens, as \
             in `slow-clients`"
        )));
    }
    Ok(stage.folder.join(STEPS).join(format!("{step}-{name}.patch")))
}

/// The new tree: the folder's `src/` and `tests/`. Its `Cargo.toml` counts
/// only if it is that of a member of the workspace.
fn take(
    place: &Place,
    folder: &Path,
    before: &Files,
) -> Result<Files, Failure> {
    let mut files = tree(folder)?;
    if !files.keys().any(|file| file.starts_with("src/")) {
        return Err(Failure::Usage(format!(
            "{} has no src/: it is no crate",
            folder.display()
        )));
    }
    let own = files.remove("Cargo.toml").filter(|text| !is_resolved(text));
    let manifest = match (own, place.patches.get(place.index)) {
        (Some(own), _) => Some(own),
        (None, Some(patch)) if !place.new => {
            let before = before.get("Cargo.toml").map(String::as_str);
            patch.apply_to("Cargo.toml", before)?
        }
        _ => place.stage.files()?.get("Cargo.toml").cloned(),
    };
    files.extend(manifest.map(|text| ("Cargo.toml".to_owned(), text)));
    Ok(files)
}

/// Whether the series ends with the stage.
fn end(place: &Place, files: &Files) -> Result<String, String> {
    let (number, name) = (place.number, &place.stage.name);
    Ok(if place.stage.files()? == *files {
        format!("complete      {number} is what {name} is")
    } else {
        format!("incomplete    {number} is not yet what {name} is")
    })
}

fn noted(patch: &Patch, new: bool) -> String {
    let what = if new { "new" } else { "recorded" };
    let files: Vec<_> = patch.files().collect();
    format!("{what:<14}{}: {} files", patch.name(), files.len())
}

fn write(patches: &[Patch]) -> Result<(), String> {
    for patch in patches {
        let write = || {
            fs::create_dir_all(patch.path.parent().unwrap_or(Path::new(".")))?;
            fs::write(&patch.path, patch.text())
        };
        write().map_err(|error| told(&patch.path, &error))?;
    }
    Ok(())
}
