//! What there is to practise on: planted bugs and exercises, each a patch on a
//! stage.
//!
//! A bug's patch breaks the stage, and taking it back is the solution. An
//! exercise's patch is the solution. What a patch does below `tests/` is
//! neither: it adds the check, so it is in place from the start.

use std::collections::BTreeMap;

use super::Variant;
use super::files::{Files, entries};
use super::patch::Patch;
use super::stages::{Ladder, Stage};
use crate::number::Number;

/// What the header of a bug says. `Seen` names public cases; `Check` is the
/// test that catches it, and `Says` a part of what that test then prints.
pub const BUG: [&str; 8] =
    ["Title", "Symptom", "Hint 1", "Hint 2", "Cause", "Seen", "Check", "Says"];

/// What the header of an exercise says.
pub const EXERCISE: [&str; 7] =
    ["Title", "Task", "Hint 1", "Hint 2", "Solution", "Check", "Says"];

/// A field that either may have: tests that stay green throughout. Without it
/// they are [`SPARED`].
pub const SPARES: &str = "Spares";

/// Another one, for exercises: tests whose snapshots the solution changes on
/// purpose, such as the list of system calls. They don't count.
pub const CHANGES: &str = "Changes";

/// What nearly no bug touches.
const SPARED: &str = "conversations methods::";

/// A bug to find, or something to build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Find and fix it.
    Bug,
    /// Build it.
    Exercise,
}

/// A bug or an exercise.
#[derive(Debug, Clone)]
pub struct Task {
    /// The name of its patch, without `.patch`.
    pub name: String,
    /// Which of the two it is.
    pub kind: Kind,
    /// The stage that it starts from.
    pub stage: Stage,
    /// The bug, or the solution.
    pub patch: Patch,
}

/// One test, or several: a test program of the crate, and a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// `conversations`: the name of `tests/conversations.rs`.
    pub program: String,
    /// `fault::accept`, or the beginning of several names; empty for all.
    pub filter: String,
    /// Names of tests that don't count.
    pub skipped: Vec<String>,
}

impl Kind {
    /// The folder in a stage with the patches.
    #[must_use]
    pub fn folder(self) -> &'static str {
        match self {
            Self::Bug => "bugs",
            Self::Exercise => "exercises",
        }
    }

    /// What a header must say.
    #[must_use]
    pub fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Bug => &BUG,
            Self::Exercise => &EXERCISE,
        }
    }
}

impl Ladder {
    /// All bugs and exercises by name.
    ///
    /// # Errors
    /// If a patch can't be read, its header is incomplete, or two share a name.
    pub fn tasks(&self) -> Result<BTreeMap<String, Task>, String> {
        let mut tasks = BTreeMap::new();
        for stage in &self.stages {
            for kind in [Kind::Bug, Kind::Exercise] {
                for task in stage.tasks(kind)? {
                    let name = task.name.clone();
                    if tasks.insert(name.clone(), task).is_some() {
                        return Err(format!("two patches are named {name}"));
                    }
                }
            }
        }
        Ok(tasks)
    }
}

impl Stage {
    /// The bugs or the exercises of this stage.
    fn tasks(&self, kind: Kind) -> Result<Vec<Task>, String> {
        let folder = self.folder.join(kind.folder());
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let mut tasks = Vec::new();
        for (file, path) in entries(&folder)? {
            let Some(name) = file.strip_suffix(".patch") else {
                let shown = path.display();
                return Err(format!("{shown} is not named NAME.patch"));
            };
            let patch = Patch::load(&path)?;
            let (name, stage) = (name.to_owned(), self.clone());
            let task = Task { name, kind, stage, patch };
            task.check_header()?;
            tasks.push(task);
        }
        Ok(tasks)
    }
}

impl Task {
    /// A field of the header as one paragraph.
    #[must_use]
    pub fn says(&self, field: &str) -> String {
        self.patch.header.paragraph(field)
    }

    /// What the learner is told at first: the symptom, or the task.
    #[must_use]
    pub fn given(&self) -> String {
        self.says(match self.kind {
            Kind::Bug => "Symptom",
            Kind::Exercise => "Task",
        })
    }

    /// The test that tells whether it is solved.
    #[must_use]
    pub fn check(&self) -> Check {
        Check::parse(&self.says("Check"))
    }

    /// Tests that pass before and after.
    #[must_use]
    pub fn spared(&self) -> Check {
        let spared = self.says(SPARES);
        Check::parse(if spared.is_empty() { SPARED } else { &spared })
    }

    /// Everything that has to pass when it is solved: all test programs, what
    /// takes longest last.
    ///
    /// # Errors
    /// As for [`Task::start`].
    pub fn everything(&self, ladder: &Ladder) -> Result<Vec<Check>, String> {
        let changes = self.says(CHANGES);
        let skipped: Vec<String> =
            changes.split_whitespace().map(str::to_owned).collect();
        let files = self.start(ladder)?.files()?;
        let programs = files.keys().filter_map(|file| {
            file.strip_prefix("tests/")?.strip_suffix(".rs")
        });
        let mut checks: Vec<Check> = programs
            .filter(|name| !name.contains('/') && *name != "variants")
            .filter(|name| !skipped.iter().any(|it| it == name))
            .map(|name| Check {
                skipped: skipped.clone(),
                ..Check::parse(name)
            })
            .collect();
        checks.sort_by_key(|check| check.program == "conversations");
        Ok(checks)
    }

    /// The crate that the learner gets.
    ///
    /// # Errors
    /// If the stage can't be read, or the patch does not apply.
    pub fn start(&self, ladder: &Ladder) -> Result<Variant, String> {
        self.variant(ladder, |file| self.kind == Kind::Bug || is_check(file))
    }

    /// The crate with the task solved.
    ///
    /// # Errors
    /// As for [`Task::start`].
    pub fn solved(&self, ladder: &Ladder) -> Result<Variant, String> {
        self.variant(ladder, |file| {
            self.kind == Kind::Exercise || is_check(file)
        })
    }

    /// The stage with the part of the patch that `keep` wants.
    fn variant(
        &self,
        ladder: &Ladder,
        keep: impl Fn(&str) -> bool,
    ) -> Result<Variant, String> {
        let number = Number::stage(self.stage.number);
        let mut variant = Variant::new(ladder, number)?;
        variant.extra = Files::new();
        let mut patch = self.patch.clone();
        patch.keep(keep);
        Ok(variant.with(patch))
    }

    /// Every field must be there, and filled in.
    fn check_header(&self) -> Result<(), String> {
        let patch = self.patch.name();
        let known = self.kind.fields();
        if let Some(field) = known.iter().find(|it| self.says(it).is_empty()) {
            return Err(format!("{patch}: `{field}:` is missing or empty"));
        }
        let mut names = self.patch.header.names();
        match names
            .find(|it| !known.contains(it) && ![SPARES, CHANGES].contains(it))
        {
            Some(name) => Err(format!("{patch}: there is no field `{name}:`")),
            None => Ok(()),
        }
    }
}

impl Check {
    /// `PROGRAM FILTER`.
    fn parse(text: &str) -> Self {
        let (program, filter) = text.split_once(' ').unwrap_or((text, ""));
        let (program, filter) = (program.to_owned(), filter.to_owned());
        Self { program, filter, skipped: Vec::new() }
    }

    /// The command that runs it, for people.
    #[must_use]
    pub fn command(&self) -> String {
        let Self { program, filter, .. } = self;
        format!("cargo test --test {program} {filter}").trim_end().to_owned()
    }
}

/// Whether a file of a patch is part of the check, not of bug or solution.
fn is_check(file: &str) -> bool {
    file.starts_with("tests/")
}
