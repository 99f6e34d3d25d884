//! Every tree on the ladder: the stages, and between them the sub-steps.

use std::path::Path;

use super::files::{Files, entries};
use super::patch::Patch;
use super::stages::{Ladder, Stage};
use crate::number::Number;

/// The folder of a stage with its sub-steps.
pub const STEPS: &str = "steps";

/// What the header of a sub-step says: its title, its idea in one sentence,
/// what to try, and in one sentence what it still lacks.
pub const FIELDS: [&str; 4] = ["Title", "Idea", "Try", "Lacks"];

/// One tree.
#[derive(Debug, Clone)]
pub struct Rung {
    /// Its name.
    pub number: Number,
    /// The stage that it is, or that it leads to.
    pub stage: Stage,
    /// The patch that leads to it, if it is a sub-step.
    pub patch: Option<Patch>,
    /// All of its files.
    pub files: Files,
}

impl Rung {
    /// How it is called in a diff: `stage4-epoll-et`, or 5.2.
    #[must_use]
    pub fn name(&self) -> String {
        match self.number.step {
            None => self.stage.name.clone(),
            Some(_) => self.number.to_string(),
        }
    }
}

impl Ladder {
    /// The stage of this number.
    ///
    /// # Errors
    /// In words, with the numbers there are.
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

    /// The stage before another one.
    ///
    /// # Errors
    /// If it is the first.
    pub fn before(&self, stage: &Stage) -> Result<&Stage, String> {
        let mut pairs = self.pairs();
        let pair = pairs.find(|(_, after)| *after == stage);
        pair.map(|(before, _)| before)
            .ok_or_else(|| format!("{} has no stage before it", stage.name))
    }

    /// The names of all trees, in order.
    ///
    /// # Errors
    /// In words, if the patches can't be counted through.
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

    /// A tree: a stage's folder, or the stage before with patches applied.
    ///
    /// # Errors
    /// In words, if there is no such tree, or a patch does not apply.
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
    /// In words, if a file can't be read.
    pub fn whole(&self) -> Result<Vec<Rung>, String> {
        let numbers = self.stages.iter().map(|stage| stage.number);
        numbers.map(|stage| self.rung(Number::stage(stage))).collect()
    }

    /// The stage before, and each sub-step that leads to a stage.
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

    /// The tree before another one: that of the previous sub-step, or the
    /// previous stage.
    ///
    /// # Errors
    /// As [`Ladder::rung`]; and if there is none before.
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
    /// Its sub-steps in order, `steps/N-NAME.patch`.
    ///
    /// # Errors
    /// In words: a name of another form, a gap, a patch that can't be read.
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
                    "{folder}/{name} stands where {number}.{expected} is \
                     expected"
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
