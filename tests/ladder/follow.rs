//! Lets the sub-steps follow what has happened to the stages.

use std::collections::BTreeSet;

use conversations::number::Number;
use conversations::variant::patch::Patch;
use conversations::variant::stages::{Ladder, Stage};

use crate::chain::{Chain, Version};
use crate::git::{Git, Merge};
use conversations::command::{Answer, Failure};

/// What becomes of the patches, known before any is written.
#[derive(Default)]
struct Plan {
    patches: Vec<Patch>,
    /// The places in sub-steps that could not take an edit.
    conflicts: Vec<String>,
}

/// Rewrites the last patch that leads to a stage and the first one that starts
/// from it, so that the series compose and all other trees stay what they are.
///
/// # Errors
/// If there is no such stage, or the patches fit neither what it is nor what
/// it was at that commit.
pub fn stay(
    ladder: &Ladder,
    number: u32,
    since: &str,
) -> Result<Answer, Failure> {
    let stage = ladder.stage(number).map_err(Failure::Usage)?;
    let git = Git::open(ladder.root.clone(), since)?;
    let mut plan = Plan::default();
    for (before, after) in ladder.pairs() {
        if before == stage || after == stage {
            series(&git, before, after, false, &mut plan)?;
        }
    }
    finish(plan)
}

/// Takes what has happened to the stages since a commit into the sub-steps
/// between them. A sub-step with a conflict keeps its file.
///
/// # Errors
/// If the patches fit neither what the stages are nor what they were.
pub fn follow(ladder: &Ladder, since: &str) -> Result<Answer, Failure> {
    let git = Git::open(ladder.root.clone(), since)?;
    let mut plan = Plan::default();
    for (before, after) in ladder.pairs() {
        series(&git, before, after, true, &mut plan)?;
    }
    finish(plan)
}

/// Plans the patches from one stage to the next.
fn series(
    git: &Git,
    before: &Stage,
    after: &Stage,
    merge: bool,
    plan: &mut Plan,
) -> Result<(), String> {
    let old = after.patches()?;
    if old.is_empty() {
        return Ok(());
    }
    let mut files: BTreeSet<String> = before.files()?.into_keys().collect();
    files.extend(after.files()?.into_keys());
    for patch in &old {
        files.extend(patch.files().map(str::to_owned));
    }
    let mut new = old.clone();
    for file in &files {
        let starts = git.versions(before, file)?;
        let ends = git.versions(after, file)?;
        let chain = Chain::find(after, file, &starts, &ends)?;
        let now = |side: &[Version]| side.first().cloned().flatten();
        let (start, end) = (now(&starts), now(&ends));
        let mut versions = chain.versions.clone();
        let was = versions.pop().flatten();
        if merge {
            let edits = [(&chain.start, &start), (&was, &end)];
            for (step, version) in (1..).zip(&mut versions) {
                let number = Number::step(after.number, step);
                for (base, edited) in edits {
                    let lines = take(git, version, base, edited)?;
                    let place = |line| format!("{number}/{file}:{line}");
                    plan.conflicts.extend(lines.into_iter().map(place));
                }
            }
        }
        versions.push(end);
        let mut from = &start;
        for (patch, version) in new.iter_mut().zip(&versions) {
            patch.set(file, from.as_ref(), version.as_ref())?;
            from = version;
        }
    }
    let changed = old.iter().zip(new);
    let changed = changed.filter(|(old, new)| old.text() != new.text());
    plan.patches.extend(changed.map(|(_, new)| new));
    Ok(())
}

/// Applies an edit to a sub-step's file; returns the lines of conflicts.
fn take(
    git: &Git,
    ours: &mut Version,
    base: &Version,
    edited: &Version,
) -> Result<Vec<usize>, String> {
    if base == edited {
        return Ok(Vec::new());
    }
    if ours == base {
        ours.clone_from(edited);
        return Ok(Vec::new());
    }
    let (Some(text), Some(base), Some(edited)) = (&ours, base, edited) else {
        // It has appeared, or gone, on one side only.
        return Ok(Vec::new());
    };
    match git.merge(text.as_bytes(), base.as_bytes(), edited.as_bytes())? {
        Merge::Clean(text) => {
            let text = String::from_utf8(text);
            *ours = Some(text.map_err(|error| error.to_string())?);
            Ok(Vec::new())
        }
        Merge::Conflict(lines) => Ok(lines),
    }
}

fn finish(mut plan: Plan) -> Result<Answer, Failure> {
    plan.patches.iter().try_for_each(Patch::save)?;
    // The same edit may have come from both sides.
    plan.conflicts.dedup();
    let mut lines: Vec<_> = plan
        .patches
        .iter()
        .map(|patch| format!("rewritten     {}", patch.name()))
        .collect();
    let conflicts = plan.conflicts.iter();
    lines.extend(conflicts.map(|place| format!("could not     {place}")));
    if lines.is_empty() {
        lines.push("the sub-steps fit the stages already".to_owned());
    }
    let good = plan.conflicts.is_empty();
    if !good {
        lines.push(
            "\nWhere it could not, the sub-step has something else in the place \
             of the edit, and\nits file is as it was. To make the edit by \
             hand:\n    cargo ladder checkout N.M DIR\n    \
             cargo ladder record N.M DIR"
                .to_owned(),
        );
    }
    Ok(Answer { text: lines.join("\n") + "\n", good })
}
