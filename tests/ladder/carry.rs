//! Takes an edit from one stage to all other trees of the ladder.

use std::fs;
use std::path::Path;

use conversations::variant::files::{is_compared, told};
use conversations::variant::patch::Patch;
use conversations::variant::stages::{Ladder, Stage};

use crate::chain::{Chain, Version};
use crate::git::{Git, LAST};
use crate::plan::{Edit, Plan, plan, plan_stage};
use conversations::command::{Answer, Failure};

/// All that is to be done, known before any of it is done.
struct Work<'a> {
    edit: Edit<'a>,
    stages: Vec<(&'a Stage, Plan)>,
    /// The sub-steps that have the file, by name.
    steps: Vec<(String, Plan)>,
    patches: Vec<Patch>,
}

/// Applies to all other stages and sub-steps what has happened to a file since
/// the last commit. Nothing is written before all of it is known to be
/// possible, or known not to be; a tree with a conflict keeps its file.
///
/// # Errors
/// If there is no such file, no edit, or an edit in several stages at once; or
/// if the sub-steps do not compose.
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
             copy it to the stages that need it"
        )));
    };
    let edited = stage.read(&file)?;
    if edited == base {
        return Err(Failure::Blocked(format!(
            "{name} is as in the last commit: there is no edit to carry"
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

/// The stage that a path leads to, and the path from its folder. It may be
/// given from the current folder or from the top of the workspace.
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
        "{} belongs to no stage: name a file such as stage2-poll/src/site.rs",
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
        "there are other edits of the same file, not committed either:\n{}\n\
         Which of them is to be carried can't be guessed, and nothing was \
         changed.\nCommit or undo those first (`git diff FILE` shows one, \
         `git restore FILE` undoes it).",
        others.join("\n")
    )))
}

/// Plans the sub-steps that lead from one stage to the next.
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
            // It is the stage, which has a plan already.
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
    /// The file as a stage will have it.
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
            "\nWhere it could not, the tree has something else in the place of \
             the edit, and\nits file is as it was. The edit, to be made there \
             by hand:\n    git diff {stage}/{file}"
        ));
    }
    if stage_failed && !work.steps.is_empty() {
        lines.push(
            "After an edit by hand in stage N, fit the sub-steps before and \
             after it to it:\n    cargo ladder record N"
                .to_owned(),
        );
    }
    if let Some(step) = step_failed {
        lines.push(format!(
            "A sub-step is edited in a checkout:\n    \
             cargo ladder checkout {step} DIR\n    \
             cargo ladder record {step} DIR"
        ));
    }
    Answer { text: lines.join("\n") + "\n", good }
}
