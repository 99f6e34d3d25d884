//! Makes an edited crate the new tree of a sub-step.

use std::path::{Path, PathBuf};

use conversations::number::Number;
use conversations::variant::files::{Files, tree};
use conversations::variant::header::Header;
use conversations::variant::manifest::is_resolved;
use conversations::variant::patch::Patch;
use conversations::variant::rung::{FIELDS, STEPS};
use conversations::variant::stages::{Ladder, Stage};

use crate::follow::stay;
use crate::git::LAST;
use conversations::command::{Answer, Failure};

/// The sub-step that receives the new tree.
struct Place<'a> {
    number: Number,
    stage: &'a Stage,
    /// Its patch; for a new sub-step, an empty one.
    patch: Patch,
    new: bool,
    /// The patch of the next sub-step.
    next: Option<Patch>,
}

/// Rewrites the patch of a sub-step so that it produces the `src/` and `tests/`
/// of a folder, and the next patch so that all later trees stay the same. For
/// a stage, updates the sub-steps before and after it.
///
/// # Errors
/// The sub-step does not exist and no name was given for a new one, or an
/// earlier patch does not apply.
pub fn record(
    ladder: &Ladder,
    number: Number,
    folder: Option<&Path>,
    name: Option<&str>,
) -> Result<Answer, Failure> {
    let folder = match (number.step, folder) {
        (None, None) => return stay(ladder, number.stage, LAST),
        (Some(_), Some(folder)) => folder,
        (Some(_), None) => {
            return Err(Failure::Usage(format!(
                "the folder is missing: `cargo ladder record {number} DIR`"
            )));
        }
        (None, Some(_)) => {
            return Err(Failure::Usage(format!(
                "{number} is a stage: edit its folder, then run `cargo ladder \
                 record {number}`"
            )));
        }
    };
    let place = place(ladder, number, name)?;
    let before = ladder.rung_before(number)?.files;
    let files = take(&place, folder, &before)?;
    let patch = place.patch.between(&before, &files)?;
    let mut notes = vec![noted(&patch, place.new)];
    let mut patches = vec![patch];
    if let Some(next) = &place.next {
        let old = ladder.rung(number).map(|rung| rung.files);
        match old.and_then(|old| next.apply(&old)) {
            Ok(after) => {
                let next = next.between(&files, &after)?;
                notes.push(noted(&next, false));
                patches.push(next);
            }
            Err(_) => notes.push(format!(
                "skipped       {}: it did not apply before, so its tree is \
                 unknown;\n              record it next",
                next.name()
            )),
        }
    } else {
        notes.push(end(&place, &files)?);
    }
    patches.iter().try_for_each(Patch::save)?;
    Ok(Answer::good(notes.join("\n") + "\n"))
}

/// Finds the patch, or the place for a new one.
fn place<'a>(
    ladder: &'a Ladder,
    number: Number,
    name: Option<&str>,
) -> Result<Place<'a>, Failure> {
    let stage = ladder.stage(number.stage).map_err(Failure::Usage)?;
    let step = number.step.unwrap_or_default();
    ladder.before(stage).map_err(Failure::Usage)?;
    let patches = stage.patches()?;
    let count = patches.len();
    let Some(skip) = step.checked_sub(1).filter(|at| *at as usize <= count)
    else {
        return Err(Failure::Usage(format!(
            "{number} would leave a gap: the next new sub-step is {}.{}",
            stage.number,
            count + 1
        )));
    };
    let mut rest = patches.into_iter().skip(skip as usize);
    let (old, next) = (rest.next(), rest.next());
    let new = old.is_none();
    let patch = match (old, name) {
        (Some(patch), None) => patch,
        (None, Some(name)) => {
            let path = path(stage, step, name)?;
            Patch::new(path, Header::to_fill_in(&FIELDS))
        }
        (None, None) => {
            return Err(Failure::Usage(format!(
                "there is no {number} yet: `--name NAME` creates it as {}/\
                 {STEPS}/{step}-NAME.patch",
                stage.name
            )));
        }
        (Some(_), Some(_)) => {
            return Err(Failure::Usage(format!(
                "{number} exists and keeps its name: leave out `--name`"
            )));
        }
    };
    Ok(Place { number, stage, patch, new, next })
}

fn path(stage: &Stage, step: u32, name: &str) -> Result<PathBuf, Failure> {
    let fits =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || !name.chars().all(fits) {
        return Err(Failure::Usage(format!(
            "`{name}` is not a valid name: use lower-case letters, digits and \
             hyphens, as in `slow-clients`"
        )));
    }
    Ok(stage.folder.join(STEPS).join(format!("{step}-{name}.patch")))
}

/// The new tree: the folder's `src/` and `tests/`. Its `Cargo.toml` is used
/// only if it inherits from the workspace.
fn take(
    place: &Place,
    folder: &Path,
    before: &Files,
) -> Result<Files, Failure> {
    let mut files = tree(folder)?;
    if !files.keys().any(|file| file.starts_with("src/")) {
        return Err(Failure::Usage(format!(
            "{} is not a crate: it has no src/",
            folder.display()
        )));
    }
    let own = files.remove("Cargo.toml").filter(|text| !is_resolved(text));
    let manifest = match own {
        Some(own) => Some(own),
        None if place.new => place.stage.files()?.get("Cargo.toml").cloned(),
        None => {
            let before = before.get("Cargo.toml").map(String::as_str);
            place.patch.apply_to("Cargo.toml", before)?
        }
    };
    files.extend(manifest.map(|text| ("Cargo.toml".to_owned(), text)));
    Ok(files)
}

/// Says whether the last sub-step equals the stage.
fn end(place: &Place, files: &Files) -> Result<String, String> {
    let (number, name) = (place.number, &place.stage.name);
    Ok(if place.stage.files()? == *files {
        format!("complete      {number} equals {name}")
    } else {
        format!("incomplete    {number} does not equal {name} yet")
    })
}

fn noted(patch: &Patch, new: bool) -> String {
    let what = if new { "new" } else { "recorded" };
    let files: Vec<_> = patch.files().collect();
    format!("{what:<14}{}: {} files", patch.name(), files.len())
}
