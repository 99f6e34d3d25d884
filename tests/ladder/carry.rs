//! Applies an edit of one stage to all other trees of the ladder.

use std::fs;
use std::path::Path;

use conversations::variant::files::{is_compared, told};
use conversations::variant::patch::Patch;
use conversations::variant::stages::{Ladder, Stage};

use crate::chain::{Chain, Version};
use crate::git::{Git, LAST};
use crate::plan::{Edit, Plan, plan, plan_stage};
use conversations::command::{Answer, Failure};

/// The complete plan, made before anything is written.
struct Work<'a> {
    edit: Edit<'a>,
    stages: Vec<(&'a Stage, Plan)>,
    /// The sub-steps that have the file, by name.
    steps: Vec<(String, Plan)>,
    patches: Vec<Patch>,
}

/// Applies a file's changes since the last commit to the same file in all other
/// stages and sub-steps. It plans every tree before it writes the first one. A
/// tree with a conflict keeps its file.
///
/// # Errors
/// The file does not exist, has no changes, or has different changes in several
/// stages; or a patch of the sub-steps does not apply.
pub fn carry(
    ladder: &Ladder,
    here: &Path,
    path: &Path,
) -> Result<Answer, Failure> {
    let (stage, file) = locate(ladder, here, path)?;
    let git = Git::open(ladder.root.clone(), LAST)?;
    let name = format!("{}/{file}", stage.name);
    let Some(base) = git.committed(&name)? else {
        return Err(Failure::Blocked(format!(
            "{name} is not in the last commit, so there is no edit to carry: \
             copy the file to the stages that need it"
        )));
    };
    let edited = stage.read(&file)?;
    if edited == base {
        return Err(Failure::Blocked(format!(
            "{name} has not changed since the last commit: there is no edit \
             to carry"
        )));
    }
    let edit = Edit { stage, file, base, edited };
    let mut stages = Vec::new();
    for other in ladder.stages.iter().filter(|other| *other != stage) {
        stages.push((other, plan_stage(&git, &edit, other)?));
    }
    refuse_several(&edit, &stages)?;
    let (steps, patches) = (Vec::new(), Vec::new());
    let mut work = Work { edit, stages, steps, patches };
    if is_compared(&work.edit.file) {
        for (before, after) in ladder.pairs() {
            add_steps(&git, &mut work, before, after)?;
        }
    }
    write(&work)?;
    Ok(report(&work))
}

/// Splits a path into its stage and the path inside that stage. The path may
/// be relative to the current folder or to the workspace root.
fn locate<'a>(
    ladder: &'a Ladder,
    here: &Path,
    path: &Path,
) -> Result<(&'a Stage, String), Failure> {
    let found = [here, &ladder.root]
        .iter()
        .find_map(|folder| folder.join(path).canonicalize().ok())
        .filter(|found| found.is_file())
        .ok_or_else(|| {
            Failure::Usage(format!("there is no file {}", path.display()))
        })?;
    for stage in &ladder.stages {
        if let Ok(file) = found.strip_prefix(&stage.folder) {
            return Ok((stage, file.to_string_lossy().into_owned()));
        }
    }
    Err(Failure::Usage(format!(
        "{} is not in any stage: name a file such as stage2-poll/src/site.rs",
        path.display()
    )))
}

fn refuse_several(
    edit: &Edit,
    plans: &[(&Stage, Plan)],
) -> Result<(), Failure> {
    let others: Vec<_> = plans
        .iter()
        .filter(|(_, plan)| matches!(plan, Plan::Edited))
        .map(|(other, _)| format!("    {}/{}", other.name, edit.file))
        .collect();
    if others.is_empty() {
        return Ok(());
    }
    Err(Failure::Blocked(format!(
        "the same file has other uncommitted edits:\n{}\n\
         `carry` can't tell which one you mean, so nothing was changed.\n\
         Commit or undo the others first (`git diff FILE` shows an edit, `git \
         restore FILE` undoes it).",
        others.join("\n")
    )))
}

/// Plans the sub-steps between one stage and the next.
fn add_steps(
    git: &Git,
    work: &mut Work,
    before: &Stage,
    after: &Stage,
) -> Result<(), String> {
    let file = work.edit.file.clone();
    let starts = git.versions(before, &file)?;
    let ends = git.versions(after, &file)?;
    let chain = Chain::find(after, &file, &starts, &ends)?;
    let mut versions = chain.versions.clone();
    let last = versions.len().saturating_sub(1);
    for (index, version) in versions.iter_mut().enumerate() {
        if index == last && chain.complete {
            // This sub-step is the stage, which already has a plan.
            *version = work.outcome(after)?;
            continue;
        }
        let Some(ours) = version.as_ref() else { continue };
        let plan = plan(git, &work.edit, ours.as_bytes())?;
        if let Plan::Copy(new) | Plan::Merge(new) = &plan {
            *version = Some(utf8(new.clone(), &file)?);
        }
        let name = format!("{}.{}", after.number, index + 1);
        work.steps.push((name, plan));
    }
    let start = work.outcome(before)?;
    work.patches.extend(chain.rewritten(&start, &versions)?);
    Ok(())
}

impl Work<'_> {
    /// The file's new text in a stage.
    fn outcome(&self, stage: &Stage) -> Result<Version, String> {
        let (edit, file) = (&self.edit, &self.edit.file);
        let plan = self.stages.iter().find(|(other, _)| *other == stage);
        match plan {
            None => utf8(edit.edited.clone(), file).map(Some),
            Some((_, Plan::Missing)) => Ok(None),
            Some((_, Plan::Copy(new) | Plan::Merge(new))) => {
                utf8(new.clone(), file).map(Some)
            }
            Some((stage, _)) => utf8(stage.read(file)?, file).map(Some),
        }
    }
}

fn utf8(text: Vec<u8>, file: &str) -> Result<String, String> {
    String::from_utf8(text).map_err(|_| format!("{file} is not UTF-8"))
}

fn write(work: &Work) -> Result<(), String> {
    for (other, plan) in &work.stages {
        if let Plan::Copy(text) | Plan::Merge(text) = plan {
            let path = other.folder.join(&work.edit.file);
            fs::write(&path, text).map_err(|error| told(&path, &error))?;
        }
    }
    work.patches.iter().try_for_each(Patch::save)
}

fn report(work: &Work) -> Answer {
    let (edit, file) = (&work.edit, &work.edit.file);
    let stages = work.stages.iter().map(|(other, plan)| (&other.name, plan));
    let steps = work.steps.iter().map(|(name, plan)| (name, plan));
    let mut lines = Vec::new();
    let (mut stage_failed, mut step_failed) = (false, None);
    for (index, (tree, plan)) in stages.chain(steps).enumerate() {
        lines.extend(plan.line(&format!("{tree}/{file}")));
        if matches!(plan, Plan::Conflict(_)) {
            if index < work.stages.len() {
                stage_failed = true;
            } else {
                step_failed.get_or_insert(tree);
            }
        }
    }
    for patch in &work.patches {
        lines.push(format!("rewritten     {}", patch.name()));
    }
    let good = !stage_failed && step_failed.is_none();
    if !good {
        let stage = &edit.stage.name;
        lines.push(format!(
            "\nA file with a conflict differs in the lines of the edit, and \
             was not changed.\nMake the edit there by hand. To see it:\n    \
             git diff {stage}/{file}"
        ));
    }
    if stage_failed && !work.steps.is_empty() {
        lines.push(
            "After you edit stage N by hand, update the sub-steps before and \
             after it:\n    cargo ladder record N"
                .to_owned(),
        );
    }
    if let Some(step) = step_failed {
        lines.push(format!(
            "To edit a sub-step, use a checkout:\n    \
             cargo ladder checkout {step} DIR\n    \
             cargo ladder record {step} DIR"
        ));
    }
    Answer { text: lines.join("\n") + "\n", good }
}
