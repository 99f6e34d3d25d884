//! Lets the sub-steps beside a stage follow an edit of the stage alone.

use std::collections::BTreeSet;

use conversations::variant::patch::Patch;
use conversations::variant::stages::{Ladder, Stage};

use crate::chain::Chain;
use crate::git::Git;
use crate::{Answer, Failure};

/// Rewrites the last patch that leads to a stage and the first one that starts
/// from it, so that the series compose and all other trees stay what they are.
///
/// # Errors
/// If there is no such stage, or the patches fit neither what it is nor what
/// it was in the last commit.
pub fn follow(ladder: &Ladder, number: u32) -> Result<Answer, Failure> {
    let stage = ladder.stage(number).map_err(Failure::Usage)?;
    let git = Git::open(ladder.root.clone())?;
    let mut patches = Vec::new();
    for (before, after) in ladder.pairs() {
        if before == stage || after == stage {
            patches.extend(series(&git, stage, before, after)?);
        }
    }
    patches.iter().try_for_each(Patch::save)?;
    if patches.is_empty() {
        let name = &stage.name;
        let text = format!("the sub-steps beside {name} fit it already\n");
        return Ok(Answer::good(text));
    }
    let lines =
        patches.iter().map(|patch| format!("rewritten     {}\n", patch.name()));
    Ok(Answer::good(lines.collect::<Vec<_>>().concat()))
}

/// The patches from one stage to the next that change, when `stage` is one of
/// the two.
fn series(
    git: &Git,
    stage: &Stage,
    before: &Stage,
    after: &Stage,
) -> Result<Vec<Patch>, String> {
    let mut old = after.patches()?;
    let mut files: BTreeSet<String> = before.files()?.into_keys().collect();
    files.extend(after.files()?.into_keys());
    for patch in &old {
        files.extend(patch.files().map(str::to_owned));
    }
    let mut changed = old.clone();
    for file in &files {
        let starts = git.versions(before, file)?;
        let ends = git.versions(after, file)?;
        let chain = Chain::find(after, file, &starts, &ends)?;
        let mut versions = chain.versions.clone();
        let now = |versions: &[_]| versions.first().cloned().flatten();
        if after == stage
            && let Some(last) = versions.last_mut()
        {
            *last = now(&ends);
        }
        let start = now(&starts);
        let mut from = &start;
        for (patch, version) in changed.iter_mut().zip(&versions) {
            patch.set(file, from.as_ref(), version.as_ref())?;
            from = version;
        }
    }
    changed.retain(|patch| {
        let same = old.iter().position(|old| old.text() == patch.text());
        same.map(|index| old.swap_remove(index)).is_none()
    });
    Ok(changed)
}
