//! The bugs and exercises of `cargo practice`, as chapters list them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use conversations::variant::stages::Ladder;
use conversations::variant::task::{Kind, Task};

use crate::html::listing;
use crate::problem::Problems;
use crate::workspace::Workspace;

/// The summary lines of what `--no-answers` leaves out.
const ANSWERS: [&str; 2] =
    ["<summary>Answer</summary>", "<summary>Solution</summary>"];

/// All tasks, and which of them the pages have listed.
#[derive(Debug, Default)]
pub struct Practice {
    tasks: BTreeMap<String, Task>,
    listed: BTreeSet<String>,
}

impl Practice {
    /// Reads all patches.
    ///
    /// # Errors
    /// If one can't be read.
    pub fn load(workspace: &Workspace) -> Result<Self, String> {
        let folders = ["bugs", "exercises"];
        let has_tasks = workspace.stages().iter().any(|stage| {
            let stage = workspace.root.join(stage);
            folders.iter().any(|folder| stage.join(folder).is_dir())
        });
        if !has_tasks {
            return Ok(Self::default());
        }
        let tasks = Ladder::find(&workspace.root)?.tasks()?;
        Ok(Self { tasks, listed: BTreeSet::new() })
    }

    /// The bugs of a stage: a table of their names and symptoms.
    ///
    /// # Errors
    /// If the stage has none.
    pub fn bugs(&mut self, stage: &str) -> Result<String, String> {
        let mut table =
            "| `cargo practice start …` | what a user reports |\n| --- | --- \
             |\n"
            .to_owned();
        for task in self.of(stage, Kind::Bug)? {
            let (name, title) = (&task.name, task.says("Title"));
            let symptom = cell(&task.given());
            let _ = writeln!(table, "| `{name}` | <b>{title}.</b> {symptom} |");
        }
        Ok(table)
    }

    /// The exercises of a stage, each with its folded solution.
    ///
    /// # Errors
    /// If the stage has none, or a patch does not apply.
    pub fn exercises(&mut self, stage: &str) -> Result<String, String> {
        let mut text = String::new();
        for task in self.of(stage, Kind::Exercise)? {
            let (name, title) = (&task.name, task.says("Title"));
            let (given, solution) = (task.given(), task.says("Solution"));
            let diff = solution_of(task);
            let _ = write!(
                text,
                "<b>{title}.</b> {given}\n\n```sh\ncargo practice start \
                 {name}\n```\n\n<details>\n<summary>Solution</summary>\n\n\
                 {solution}\n\n{diff}\n\n</details>\n\n"
            );
        }
        Ok(text)
    }

    /// What a patch changes in `src/`.
    ///
    /// # Errors
    /// If there is no such task.
    pub fn diff(&self, name: &str) -> Result<String, String> {
        let task = self.tasks.get(name);
        task.map(solution_of).ok_or_else(|| format!("there is no task {name}"))
    }

    /// A field of a task's header.
    ///
    /// # Errors
    /// If there is no such task or field.
    pub fn field(&self, name: &str, field: &str) -> Result<String, String> {
        let task = self.tasks.get(name);
        let text = task.map(|task| task.says(field)).unwrap_or_default();
        if text.is_empty() {
            return Err(format!("no task {name} has a field {field}"));
        }
        Ok(text)
    }

    /// Every bug and every exercise is in some chapter.
    pub fn check_unused(&self, problems: &mut Problems) {
        for (name, task) in &self.tasks {
            if !self.listed.contains(name) {
                let message = "no page lists this stage's bugs or exercises";
                problems.add(&task.patch.name(), 1, message);
            }
        }
    }

    fn of(&mut self, stage: &str, kind: Kind) -> Result<Vec<&Task>, String> {
        let tasks = self.tasks.values();
        let tasks: Vec<&Task> = tasks
            .filter(|it| {
                it.kind == kind && it.stage.number.to_string() == stage
            })
            .collect();
        if tasks.is_empty() {
            return Err(format!("stage {stage} has no {}", kind.folder()));
        }
        self.listed.extend(tasks.iter().map(|task| task.name.clone()));
        Ok(tasks)
    }
}

/// The part of a patch that is the bug or the solution.
fn solution_of(task: &Task) -> String {
    let mut patch = task.patch.clone();
    patch.keep(|file| file.starts_with("src/"));
    listing(&format!("<code>{}</code>", patch.name()), "diff", &patch.diff())
}

/// Text within a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// Removes what is an answer from a page.
pub fn without_answers(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, block, after)) = next_details(rest) {
        kept.push_str(before);
        if !ANSWERS.iter().any(|answer| block.contains(answer)) {
            kept.push_str(block);
        }
        rest = after;
    }
    kept + rest
}

/// The text before the next `<details>`, that element, and the text after it.
fn next_details(text: &str) -> Option<(&str, &str, &str)> {
    const END: &str = "</details>";
    let start = text.find("<details>")?;
    let length = text.get(start..)?.find(END)? + END.len();
    let (before, rest) = text.split_at(start);
    let (block, after) = rest.split_at(length);
    Some((before, block, after))
}

#[cfg(test)]
mod tests {
    use super::without_answers;

    #[test]
    fn only_answers_are_left_out() {
        let text = "a\n<details>\n<summary>Answer</summary>\nb\n</details>\nc\n\
                    <details>\n<summary>Hint</summary>\nd\n</details>\ne\n";
        let kept = "a\n\nc\n<details>\n<summary>Hint</summary>\nd\n\
                    </details>\ne\n";
        assert_eq!(without_answers(text), kept);
        assert_eq!(without_answers("<details>"), "<details>");
    }
}
