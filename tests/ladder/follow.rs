//! Updates the sub-steps after the stages have been edited.

use std::collections::BTreeSet;

use conversations::number::Number;
use conversations::variant::patch::Patch;
use conversations::variant::stages::{Ladder, Stage};

use crate::chain::{Chain, Version};
use crate::git::{Git, Merge};
use conversations::command::{Answer, Failure};

/// The new patches, complete before the first one is written.
#[derive(Default)]
struct Plan {
    patches: Vec<Patch>,
    /// Where an edit conflicts with a sub-step.
    conflicts: Vec<String>,
}

/// Rewrites the last patch before a stage and the first patch after it, so that
/// all patches apply and no other tree changes.
///
/// # Errors
/// The stage does not exist, or the patches fit neither its current files nor
/// its files at that commit.
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

/// Applies the stages' changes since a commit to the sub-steps between them. A
/// sub-step with a conflict keeps its file.
///
/// # Errors
/// The patches fit neither the current files of the stages nor their files at
/// that commit.
pub fn follow(ladder: &Ladder, since: &str) -> Result<Answer, Failure> {
    let git = Git::open(ladder.root.clone(), since)?;
    let mut plan = Plan::default();
    for (before, after) in ladder.pairs() {
        series(&git, before, after, true, &mut plan)?;
    }
    finish(plan)
}

/// Plans the patches between one stage and the next.
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
        // One side has added or removed the file: there is nothing to merge.
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
    // Both stages may have the same edit, which then conflicts twice.
    plan.conflicts.dedup();
    let mut lines: Vec<_> = plan
        .patches
        .iter()
        .map(|patch| format!("rewritten     {}", patch.name()))
        .collect();
    let conflicts = plan.conflicts.iter();
    lines.extend(conflicts.map(|place| format!("conflict      {place}")));
    if lines.is_empty() {
        lines.push("the sub-steps already fit the stages".to_owned());
    }
    let good = plan.conflicts.is_empty();
    if !good {
        lines.push(
            "\nA file with a conflict differs in the lines of the edit, and \
             was not changed.\nMake the edit there by hand:\n    \
             cargo ladder checkout N.M DIR\n    \
             cargo ladder record N.M DIR"
                .to_owned(),
        );
    }
    Ok(Answer { text: lines.join("\n") + "\n", good })
}
