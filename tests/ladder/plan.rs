//! Plans how an edit of one tree applies to another.

use conversations::variant::stages::Stage;

use crate::git::{Git, Merge};

/// The edit: the committed and the current text of one file.
pub struct Edit<'a> {
    /// The stage where it was made.
    pub stage: &'a Stage,
    /// The file's path inside the stage.
    pub file: String,
    /// The committed text.
    pub base: Vec<u8>,
    /// The current text.
    pub edited: Vec<u8>,
}

/// What to do with the file in another tree.
pub enum Plan {
    /// Nothing: the tree has no such file.
    Missing,
    /// Nothing: its file already has the edit.
    Has,
    /// Replace its file, which equaled the one that was edited.
    Copy(Vec<u8>),
    /// Merge the edit into its file, which differs elsewhere.
    Merge(Vec<u8>),
    /// Nothing: its file differs in the lines of the edit, listed here.
    Conflict(Vec<usize>),
    /// Refuse: its file has a different uncommitted edit.
    Edited,
}

impl Plan {
    /// The output line for one file.
    #[must_use]
    pub fn line(&self, name: &str) -> Option<String> {
        Some(match self {
            Plan::Missing => format!("no such file  {name}"),
            Plan::Has => format!("up to date    {name}"),
            Plan::Copy(_) => format!("copied        {name}"),
            Plan::Merge(_) => format!("merged        {name}"),
            Plan::Conflict(at) => {
                let places = at.iter().map(|line| format!("{name}:{line}"));
                let places: Vec<_> = places.collect();
                format!("conflict      {}", places.join(" "))
            }
            Plan::Edited => return None, // `carry` has refused it.
        })
    }
}

/// Plans the edit for another stage, whose file may have an uncommitted edit as
/// well.
///
/// # Errors
/// Git fails, or a file can't be read.
pub fn plan_stage(
    git: &Git,
    edit: &Edit,
    other: &Stage,
) -> Result<Plan, String> {
    if !other.has(&edit.file) {
        return Ok(Plan::Missing);
    }
    let ours = other.read(&edit.file)?;
    let committed = git.committed(&format!("{}/{}", other.name, edit.file))?;
    let other_edit = committed.filter(|text| *text != ours);
    if let Some(committed) = other_edit.filter(|_| ours != edit.edited) {
        // An earlier `carry` may have made this same edit.
        let merged = git.merge(&committed, &edit.base, &edit.edited)?;
        return Ok(match merged {
            Merge::Clean(text) if text == ours => Plan::Has,
            _ => Plan::Edited,
        });
    }
    plan(git, edit, &ours)
}

/// Plans the edit for a tree whose file has the text `ours`.
///
/// # Errors
/// Git fails.
pub fn plan(git: &Git, edit: &Edit, ours: &[u8]) -> Result<Plan, String> {
    if ours == edit.edited {
        return Ok(Plan::Has);
    }
    Ok(match git.merge(ours, &edit.base, &edit.edited)? {
        Merge::Clean(text) if text == ours => Plan::Has,
        Merge::Clean(text) if ours == edit.base => Plan::Copy(text),
        Merge::Clean(text) => Plan::Merge(text),
        Merge::Conflict(lines) => Plan::Conflict(lines),
    })
}
