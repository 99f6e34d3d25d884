//! Makes a patch of an edited crate.

use conversations::command::{Answer, Failure};
use conversations::number::Number;
use conversations::variant::files::{Files, folder_files};

use crate::place::Place;

/// Rewrites the diff of a task's patch from `practice/NAME/`; its header
/// stays. Without that folder, fits the old diff to the stage as it is now.
///
/// # Errors
/// If there is no such task, or no place is found for a part of its diff.
pub fn record(place: &Place, name: &str) -> Result<Answer, Failure> {
    let task = place.task(name)?;
    let number = Number::stage(task.stage.number);
    let old = place.ladder.rung(number)?.files;
    let folder = place.crate_of(task);
    let mut new: Files = old.clone();
    if folder.exists() {
        new.retain(|file, _| file == "Cargo.toml");
        new.extend(folder_files(&folder, "src")?);
        new.extend(folder_files(&folder, "tests")?);
        // A crate to practise on has no examples, and not the test of them.
        if let Some(text) = old.get("tests/variants.rs") {
            new.insert("tests/variants.rs".to_owned(), text.clone());
        }
    } else {
        new = task.patch.fit(&old)?;
    }
    let patch = task.patch.between(&old, &new)?;
    patch.save()?;
    let files: Vec<_> = patch.files().collect();
    let text = format!("{} changes {}\n", patch.name(), files.join(", "));
    Ok(Answer::good(text))
}
