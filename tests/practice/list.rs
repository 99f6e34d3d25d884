//! The table of tasks.

use std::fmt::Write as _;

use conversations::command::{Answer, Failure};
use conversations::variant::task::{Kind, Task};

use crate::place::Place;
use crate::progress::Progress;

/// Lists the tasks of all stages, or of one, and marks those that are solved.
///
/// # Errors
/// If there is no such stage, or the progress can't be read.
pub fn list(place: &Place, stage: Option<u32>) -> Result<Answer, Failure> {
    if let Some(number) = stage {
        place.ladder.stage(number).map_err(Failure::Usage)?;
    }
    let progress = Progress::load(&place.folder)?;
    let mut text = String::new();
    let width = place.tasks.keys().map(String::len).max().unwrap_or(0);
    for one in &place.ladder.stages {
        if stage.is_some_and(|number| number != one.number) {
            continue;
        }
        for kind in [Kind::Bug, Kind::Exercise] {
            let tasks: Vec<&Task> = place
                .tasks
                .values()
                .filter(|it| it.stage == *one && it.kind == kind)
                .collect();
            if tasks.is_empty() {
                continue;
            }
            let _ = writeln!(text, "{}, {}", one.name, kind.folder());
            for task in tasks {
                let (mark, title) =
                    (mark(place, &progress, task), task.says("Title"));
                let _ =
                    writeln!(text, "  {mark} {:width$}  {title}", task.name);
            }
            text.push('\n');
        }
    }
    let done = progress.tasks.values().filter(|entry| entry.solved).count();
    let _ = writeln!(
        text,
        "{done} of {} solved. `*` solved, `?` solution read, `>` started. Begin \
         with `cargo practice start NAME`.",
        place.tasks.len()
    );
    Ok(Answer::good(text))
}

fn mark(place: &Place, progress: &Progress, task: &Task) -> char {
    let entry = progress.tasks.get(&task.name);
    if entry.is_some_and(|it| it.solved) {
        '*'
    } else if entry.is_some_and(|it| it.looked) {
        '?'
    } else if place.crate_of(task).exists() {
        '>'
    } else {
        ' '
    }
}
