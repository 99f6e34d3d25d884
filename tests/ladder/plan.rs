//! What an edit of one tree means for another.

use conversations::variant::stages::Stage;

use crate::git::{Git, Merge};

/// The edit: one file as it was committed and as it is now.
pub struct Edit<'a> {
    /// Where it was made.
    pub stage: &'a Stage,
    /// The file, from the stage's folder.
    pub file: String,
    /// As it was.
    pub base: Vec<u8>,
    /// As it is.
    pub edited: Vec<u8>,
}

/// What becomes of the file in one other tree.
pub enum Plan {
    /// It has no such file.
    Missing,
    /// The edit is in its file already.
    Has,
    /// Its file was the same, and takes the edited one's place.
    Copy(Vec<u8>),
    /// Its file differs elsewhere, and takes the edit.
    Merge(Vec<u8>),
    /// Its file differs in the same place, in these lines.
    Conflict(Vec<usize>),
    /// It has another edit of its own that is not committed.
    Edited,
}

impl Plan {
    /// The line about one file.
    #[must_use]
    pub fn line(&self, name: &str) -> Option<String> {
        Some(match self {
            Plan::Missing => format!("no such file  {name}"),
            Plan::Has => format!("has it        {name}"),
            Plan::Copy(_) => format!("taken over    {name}"),
            Plan::Merge(_) => format!("merged        {name}"),
            Plan::Conflict(at) => {
                let places = at.iter().map(|line| format!("{name}:{line}"));
                let places: Vec<_> = places.collect();
                format!("could not     {}", places.join(" "))
            }
            Plan::Edited => return None, // Refused before.
        })
    }
}

/// What becomes of the file in another stage, which may have an edit of its
/// own.
///
/// # Errors
/// In words, if git fails or a file can't be read.
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
        // Perhaps the edit was carried before: then it is all there is.
        let merged = git.merge(&committed, &edit.base, &edit.edited)?;
        return Ok(match merged {
            Merge::Clean(text) if text == ours => Plan::Has,
            _ => Plan::Edited,
        });
    }
    plan(git, edit, &ours)
}

/// What becomes of the file in a tree that has it so.
///
/// # Errors
/// In words, if git fails.
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
