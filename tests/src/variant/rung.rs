//! Every tree of the ladder: the stages, and the sub-steps between them.

use std::path::Path;

use super::files::{Files, entries};
use super::patch::Patch;
use super::stages::{Ladder, Stage};
use crate::number::Number;

/// The folder for the sub-steps inside a stage's folder.
pub const STEPS: &str = "steps";

/// The fields of a sub-step's header: title, idea (one sentence), commands to
/// try, and what is still missing (one sentence).
pub const FIELDS: [&str; 4] = ["Title", "Idea", "Try", "Lacks"];

/// One tree of the ladder.
#[derive(Debug, Clone)]
pub struct Rung {
    /// Its number, such as 5 or 5.2.
    pub number: Number,
    /// The stage itself, or the stage that the sub-step belongs to.
    pub stage: Stage,
    /// The patch, if it is a sub-step.
    pub patch: Option<Patch>,
    /// All its files.
    pub files: Files,
}

impl Rung {
    /// Its name in a diff: `stage4-epoll-et`, or 5.2.
    #[must_use]
    pub fn name(&self) -> String {
        match self.number.step {
            None => self.stage.name.clone(),
            Some(_) => self.number.to_string(),
        }
    }
}

impl Ladder {
    /// The stage with this number.
    ///
    /// # Errors
    /// There is no such stage. The message says which ones exist.
    pub fn stage(&self, number: u32) -> Result<&Stage, String> {
        let last = self.stages.len();
        self.stages.iter().find(|stage| stage.number == number).ok_or_else(
            || {
                format!(
                    "there is no stage {number}: the stages are 1 to {last}"
                )
            },
        )
    }

    /// The stage before `stage`.
    ///
    /// # Errors
    /// `stage` is the first one.
    pub fn before(&self, stage: &Stage) -> Result<&Stage, String> {
        let mut pairs = self.pairs();
        let pair = pairs.find(|(_, after)| *after == stage);
        pair.map(|(before, _)| before)
            .ok_or_else(|| format!("{} has no stage before it", stage.name))
    }

    /// The numbers of all trees, in order.
    ///
    /// # Errors
    /// As [`Stage::patches`].
    pub fn numbers(&self) -> Result<Vec<Number>, String> {
        let mut numbers = Vec::new();
        for stage in &self.stages {
            for (step, _) in (1..).zip(stage.patches()?) {
                numbers.push(Number::step(stage.number, step));
            }
            numbers.push(Number::stage(stage.number));
        }
        Ok(numbers)
    }

    /// A tree: the files of a stage, or the previous stage's files with the
    /// patches applied.
    ///
    /// # Errors
    /// The tree does not exist, or a patch does not apply.
    pub fn rung(&self, number: Number) -> Result<Rung, String> {
        let stage = self.stage(number.stage)?.clone();
        let Some(step) = number.step else {
            let files = stage.files()?;
            return Ok(Rung { number, stage, patch: None, files });
        };
        let patches = stage.patches()?;
        let count = patches.len();
        let mut files = match self.before(&stage) {
            Ok(before) if (1..=count).contains(&(step as usize)) => {
                before.files()?
            }
            _ => return Err(no_step(number, &stage, count)),
        };
        let mut last = None;
        for patch in patches.into_iter().take(step as usize) {
            files = patch.apply(&files)?;
            last = Some(patch);
        }
        Ok(Rung { number, stage, patch: last, files })
    }

    /// All stages.
    ///
    /// # Errors
    /// A file can't be read.
    pub fn whole(&self) -> Result<Vec<Rung>, String> {
        let numbers = self.stages.iter().map(|stage| stage.number);
        numbers.map(|stage| self.rung(Number::stage(stage))).collect()
    }

    /// The previous stage, then each sub-step of a stage.
    ///
    /// # Errors
    /// As [`Ladder::rung`].
    pub fn sub_steps(&self, stage: &Stage) -> Result<Vec<Rung>, String> {
        let patches = stage.patches()?;
        if patches.is_empty() {
            return Ok(Vec::new());
        }
        let before = self.before(stage)?;
        let number = Number::stage(before.number);
        let mut rungs = vec![self.rung(number)?];
        for (step, patch) in (1..).zip(patches) {
            let before = rungs.last().map(|rung| &rung.files);
            let files = patch.apply(before.unwrap_or(&Files::new()))?;
            let number = Number::step(stage.number, step);
            let (stage, patch) = (stage.clone(), Some(patch));
            rungs.push(Rung { number, stage, patch, files });
        }
        Ok(rungs)
    }

    /// The previous tree: a sub-step or a stage.
    ///
    /// # Errors
    /// As [`Ladder::rung`]; also if `number` is the first tree.
    pub fn rung_before(&self, number: Number) -> Result<Rung, String> {
        let step = number.step.and_then(|step| step.checked_sub(1));
        if let Some(step) = step.filter(|step| *step > 0) {
            return self.rung(Number::step(number.stage, step));
        }
        let before = self.before(self.stage(number.stage)?)?;
        self.rung(Number::stage(before.number))
    }
}

impl Stage {
    /// The patches of its sub-steps, `steps/N-NAME.patch`, in order.
    ///
    /// # Errors
    /// A file has the wrong form of name, a number is missing, or a patch can't
    /// be read.
    pub fn patches(&self) -> Result<Vec<Patch>, String> {
        let folder = self.folder.join(STEPS);
        let mut found = Vec::new();
        if folder.is_dir() {
            for (name, path) in entries(&folder)? {
                if !name.starts_with('.') {
                    found.push((step_in(&name, &folder)?, name, path));
                }
            }
        }
        found.sort();
        let mut patches = Vec::new();
        for (expected, (step, name, path)) in (1..).zip(found) {
            if step != expected {
                let (folder, number) = (folder.display(), self.number);
                return Err(format!(
                    "{folder}/{name}: expected sub-step {number}.{expected} \
                     here"
                ));
            }
            patches.push(Patch::load(&path)?);
        }
        Ok(patches)
    }
}

/// The 2 of `2-deadlines.patch`.
fn step_in(name: &str, folder: &Path) -> Result<u32, String> {
    let step = name
        .strip_suffix(".patch")
        .and_then(|stem| stem.split_once('-'))
        .filter(|(_, title)| !title.is_empty())
        .and_then(|(step, _)| step.parse().ok());
    step.ok_or_else(|| {
        format!("{}/{name} is not named N-NAME.patch", folder.display())
    })
}

fn no_step(number: Number, stage: &Stage, count: usize) -> String {
    let name = &stage.name;
    if count == 0 {
        return format!("there is no {number}: {name} has no sub-steps");
    }
    let first = Number::step(stage.number, 1);
    format!(
        "there is no {number}: the sub-steps of {name} are {first} to {}.{count}",
        stage.number
    )
}
