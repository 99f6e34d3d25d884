//! The differences between two neighbours on the ladder.

use std::collections::BTreeSet;

use conversations::variant::files::Files;
use conversations::variant::rung::Rung;
use similar::{ChangeTag, TextDiff};

/// How a file differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Both trees have it, with different text.
    Changes,
    /// Only the later tree has it.
    Appears,
    /// Only the earlier tree has it.
    Disappears,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Changes, Self::Appears, Self::Disappears];

    /// Its key in `tests/ladder.toml`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Changes => "changes",
            Self::Appears => "appears",
            Self::Disappears => "disappears",
        }
    }
}

/// A file that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its path inside the crate.
    pub file: String,
    /// How it differs.
    pub kind: Kind,
    /// Number of lines that only the later tree has.
    pub added: usize,
    /// Number of lines that only the earlier tree has.
    pub removed: usize,
}

/// The step from one tree to the next.
pub struct Step<'a> {
    /// The earlier tree.
    pub before: &'a Rung,
    /// The later tree.
    pub after: &'a Rung,
    /// The files that differ in at least one byte, sorted by name.
    pub differences: Vec<Difference>,
}

impl<'a> Step<'a> {
    /// Compares two trees.
    #[must_use]
    pub fn new(before: &'a Rung, after: &'a Rung) -> Self {
        let (earlier, later) = (&before.files, &after.files);
        let names: BTreeSet<_> = earlier.keys().chain(later.keys()).collect();
        let mut differences = Vec::new();
        for file in names {
            let kind = match (earlier.get(file), later.get(file)) {
                (None, _) => Kind::Appears,
                (_, None) => Kind::Disappears,
                (old, new) if old == new => continue,
                _ => Kind::Changes,
            };
            let (old, new) = (text(earlier, file), text(later, file));
            let (added, removed) = count(old, new);
            let file = file.clone();
            differences.push(Difference { file, kind, added, removed });
        }
        Self { before, after, differences }
    }

    /// Lines added and lines removed in all files whose paths have this prefix.
    #[must_use]
    pub fn total(&self, prefix: &str) -> (usize, usize) {
        let counted =
            self.differences.iter().filter(|d| d.file.starts_with(prefix));
        counted.fold((0, 0), |(added, removed), difference| {
            (added + difference.added, removed + difference.removed)
        })
    }

    /// The number of changed lines, which the budget limits.
    #[must_use]
    pub fn changed_lines(&self) -> usize {
        let (added, removed) = self.total("src/");
        added + removed
    }
}

/// A file's text, or an empty string if the tree does not have it.
#[must_use]
pub fn text<'a>(files: &'a Files, file: &str) -> &'a str {
    files.get(file).map_or("", String::as_str)
}

/// The first line that differs between two texts, counted from 1.
#[must_use]
pub fn first_difference(one: &str, other: &str) -> Option<usize> {
    if one == other {
        return None;
    }
    let lines = one.split('\n').zip(other.split('\n'));
    let same = lines.take_while(|(one, other)| one == other).count();
    Some(same + 1)
}

/// Counts lines added and lines removed. Blank lines don't count: they make
/// code easier to read, and a budget must not discourage them.
fn count(old: &str, new: &str) -> (usize, usize) {
    let diff = TextDiff::from_lines(old, new);
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
