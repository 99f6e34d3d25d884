//! What differs between two neighbours.

use similar::{ChangeTag, TextDiff};

use crate::stages::Stage;

/// How a file differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Both stages have it.
    Changes,
    /// Only the later one has it.
    Appears,
    /// Only the earlier one has it.
    Disappears,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Changes, Self::Appears, Self::Disappears];

    /// Its word in `tests/ladder.toml`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Changes => "changes",
            Self::Appears => "appears",
            Self::Disappears => "disappears",
        }
    }
}

/// One file that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its path from the stage's folder.
    pub file: String,
    /// How it differs.
    pub kind: Kind,
    /// How many lines the later stage has and the earlier one has not.
    pub added: usize,
    /// How many lines the earlier stage has and the later one has not.
    pub removed: usize,
}

/// From one stage to the next.
pub struct Step<'a> {
    /// The earlier stage.
    pub before: &'a Stage,
    /// The later stage.
    pub after: &'a Stage,
    /// The files that are not the same to the byte, by name.
    pub differences: Vec<Difference>,
}

impl<'a> Step<'a> {
    /// Compares two stages.
    ///
    /// # Errors
    /// In words, if a file can't be read.
    pub fn new(before: &'a Stage, after: &'a Stage) -> Result<Self, String> {
        let (earlier, later) = (before.files()?, after.files()?);
        let mut differences = Vec::new();
        for file in earlier.union(&later) {
            let kind = match (earlier.contains(file), later.contains(file)) {
                (false, _) => Kind::Appears,
                (true, false) => Kind::Disappears,
                (true, true) => Kind::Changes,
            };
            let (old, new) = contents(before, after, file, kind)?;
            if kind == Kind::Changes && old == new {
                continue;
            }
            let (added, removed) = count(&old, &new);
            let file = file.clone();
            differences.push(Difference { file, kind, added, removed });
        }
        Ok(Self { before, after, differences })
    }

    /// Lines added and lines removed in all files whose names begin so.
    #[must_use]
    pub fn total(&self, prefix: &str) -> (usize, usize) {
        let counted =
            self.differences.iter().filter(|d| d.file.starts_with(prefix));
        counted.fold((0, 0), |(added, removed), difference| {
            (added + difference.added, removed + difference.removed)
        })
    }

    /// The number of changed lines that the budget is about.
    #[must_use]
    pub fn changed_lines(&self) -> usize {
        let (added, removed) = self.total("src/");
        added + removed
    }
}

/// A file in both stages; where it is missing, nothing.
///
/// # Errors
/// In words, if it can't be read.
pub fn contents(
    before: &Stage,
    after: &Stage,
    file: &str,
    kind: Kind,
) -> Result<(Vec<u8>, Vec<u8>), String> {
    Ok(match kind {
        Kind::Changes => (before.read(file)?, after.read(file)?),
        Kind::Appears => (Vec::new(), after.read(file)?),
        Kind::Disappears => (before.read(file)?, Vec::new()),
    })
}

/// Counts lines added and lines removed. Blank lines are free: they make code
/// easier to read, and nobody should save on them.
fn count(old: &[u8], new: &[u8]) -> (usize, usize) {
    let old = String::from_utf8_lossy(old);
    let new = String::from_utf8_lossy(new);
    let diff = TextDiff::from_lines(&*old, &*new);
    let (mut added, mut removed) = (0, 0);
    for change in diff.iter_all_changes() {
        if change.value().trim().is_empty() {
            continue;
        }
        match change.tag() {
            ChangeTag::Insert => added += 1,
            ChangeTag::Delete => removed += 1,
            ChangeTag::Equal => {}
        }
    }
    (added, removed)
}
