//! One hint at a time, and the solution.

use std::fmt::Write as _;

use conversations::command::{Answer, Failure};
use conversations::variant::task::{Kind, Task};

use crate::place::Place;
use crate::progress::Progress;
use crate::start::wrapped;

const HINTS: [&str; 2] = ["Hint 1", "Hint 2"];

/// Shows the hints so far, and one more.
///
/// # Errors
/// If there is no such task, or the progress can't be kept.
pub fn hint(place: &Place, name: Option<&str>) -> Result<Answer, Failure> {
    let task = place.meant(name)?;
    let mut progress = Progress::load(&place.folder)?;
    let entry = progress.entry(&task.name);
    let all_read = entry.hints >= HINTS.len();
    entry.hints = (entry.hints + 1).min(HINTS.len());
    let count = entry.hints;
    progress.save(&place.folder)?;
    let mut text = String::new();
    for field in HINTS.iter().take(count) {
        let hint = wrapped(&task.says(field), "    ");
        let _ = writeln!(text, "{field}:\n{hint}\n");
    }
    if all_read {
        let name = &task.name;
        let _ = writeln!(
            text,
            "There are no more hints. `cargo practice solution {name}` \
             explains it."
        );
    }
    Ok(Answer::good(text))
}

/// Explains the task, and shows the difference between start and solution.
/// The learner's crate stays as it is.
///
/// # Errors
/// If there is no such task, or its patch does not apply.
pub fn solution(place: &Place, name: Option<&str>) -> Result<Answer, Failure> {
    let task = place.meant(name)?;
    let mut progress = Progress::load(&place.folder)?;
    let entry = progress.entry(&task.name);
    entry.looked |= !entry.solved;
    progress.save(&place.folder)?;
    Ok(Answer::good(explained(place, task)?))
}

fn explained(place: &Place, task: &Task) -> Result<String, Failure> {
    let start = task.start(&place.ladder)?.files()?;
    let solved = task.solved(&place.ladder)?.files()?;
    let diff = task.patch.between(&start, &solved)?.diff();
    let mut text = format!("{}: {}\n\n", task.name, task.says("Title"));
    let field = match task.kind {
        Kind::Bug => "Cause",
        Kind::Exercise => "Solution",
    };
    let _ = writeln!(text, "{}\n", wrapped(&task.says(field), ""));
    if task.kind == Kind::Bug {
        let _ = writeln!(text, "Seen in the wild:\n");
        let _ = writeln!(text, "{}\n", wrapped(&task.says("Seen"), "    "));
    }
    let _ = writeln!(text, "The test: {}\n\n{diff}", task.check().command());
    Ok(text)
}
