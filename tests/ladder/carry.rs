//! Takes an edit from one stage to the others.

use std::fs;
use std::path::Path;

use conversations::variant::files::told;
use conversations::variant::stages::{Ladder, Stage};

use crate::git::{Git, Merge};
use crate::{Answer, Failure};

/// What becomes of one other stage.
enum Plan {
    /// It has no such file.
    Missing,
    /// The edit is in its file already.
    Has,
    /// Its file was the same, and takes the edited one's place.
    Copy(Vec<u8>),
    /// Its file differs elsewhere, and takes the edit.
    Merge(Vec<u8>),
    /// Its file differs just there, in these lines.
    Conflict(Vec<usize>),
    /// It has another edit of its own that is not committed.
    Edited,
}

/// The edit: one file as it was committed and as it is now.
struct Edit<'a> {
    stage: &'a Stage,
    file: String,
    base: Vec<u8>,
    edited: Vec<u8>,
}

/// Applies to all other stages what has happened to a file since the last
/// commit. Nothing is written before all of it is known to be possible, or
/// known not to be; a stage with a conflict keeps its file.
///
/// # Errors
/// If there is no such file, no edit, or an edit in several stages at once.
pub fn carry(
    ladder: &Ladder,
    here: &Path,
    path: &Path,
) -> Result<Answer, Failure> {
    let (stage, file) = locate(ladder, here, path)?;
    let git = Git::open(ladder.root.clone())?;
    let name = format!("{}/{file}", stage.name);
    let Some(base) = git.committed(&name)? else {
        return Err(Failure::Blocked(format!(
            "{name} is not in the last commit, so that there is no edit to \
             carry: copy it to the stages that are to have it"
        )));
    };
    let edited = stage.read(&file)?;
    if edited == base {
        return Err(Failure::Blocked(format!(
            "{name} is as in the last commit: there is no edit to carry"
        )));
    }
    let edit = Edit { stage, file, base, edited };
    let mut plans = Vec::new();
    for other in ladder.stages.iter().filter(|other| *other != stage) {
        plans.push((other, plan(&git, &edit, other)?));
    }
    refuse_several(&edit, &plans)?;
    write(&edit, &plans)?;
    Ok(report(&edit, &plans))
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
        "{} belongs to no stage: what is to be carried is a file such as \
         stage2-poll/src/site.rs",
        path.display()
    )))
}

fn plan(git: &Git, edit: &Edit, other: &Stage) -> Result<Plan, String> {
    if !other.has(&edit.file) {
        return Ok(Plan::Missing);
    }
    let ours = other.read(&edit.file)?;
    if ours == edit.edited {
        return Ok(Plan::Has);
    }
    let committed = git.committed(&format!("{}/{}", other.name, edit.file))?;
    if let Some(committed) = committed.filter(|text| *text != ours) {
        // Perhaps the edit was carried before: then it is all there is.
        let merged = git.merge(&committed, &edit.base, &edit.edited)?;
        return Ok(match merged {
            Merge::Clean(text) if text == ours => Plan::Has,
            _ => Plan::Edited,
        });
    }
    Ok(match git.merge(&ours, &edit.base, &edit.edited)? {
        Merge::Clean(text) if text == ours => Plan::Has,
        Merge::Clean(text) if ours == edit.base => Plan::Copy(text),
        Merge::Clean(text) => Plan::Merge(text),
        Merge::Conflict(lines) => Plan::Conflict(lines),
    })
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

fn write(edit: &Edit, plans: &[(&Stage, Plan)]) -> Result<(), String> {
    for (other, plan) in plans {
        if let Plan::Copy(text) | Plan::Merge(text) = plan {
            let path = other.folder.join(&edit.file);
            fs::write(&path, text).map_err(|error| told(&path, &error))?;
        }
    }
    Ok(())
}

fn report(edit: &Edit, plans: &[(&Stage, Plan)]) -> Answer {
    let (mut lines, mut good) = (Vec::new(), true);
    for (other, plan) in plans {
        let name = format!("{}/{}", other.name, edit.file);
        lines.push(match plan {
            Plan::Missing => format!("no such file  {name}"),
            Plan::Has => format!("has it        {name}"),
            Plan::Copy(_) => format!("taken over    {name}"),
            Plan::Merge(_) => format!("merged        {name}"),
            Plan::Conflict(at) => {
                good = false;
                let places = at.iter().map(|line| format!("{name}:{line}"));
                let places: Vec<_> = places.collect();
                format!("could not     {}", places.join(" "))
            }
            Plan::Edited => continue, // Refused before.
        });
    }
    if !good {
        lines.push(format!(
            "\nWhere it could not, the stage has something else in the place \
             of the edit, and\nits file is as it was. The edit, to be made \
             there by hand:\n    git diff {}/{}",
            edit.stage.name, edit.file
        ));
    }
    Answer { text: lines.join("\n") + "\n", good }
}
