//! A patch file: a header, then a unified diff of one or more files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use similar::TextDiff;

use super::files::{Files, read, write_if_changed};
use super::header::{END, Header};
use super::hunk;

/// The name that a diff uses for a missing file.
const NO_FILE: &str = "/dev/null";

/// A patch in memory.
#[derive(Debug, Clone)]
pub struct Patch {
    /// The path of the patch file, which need not exist yet.
    pub path: PathBuf,
    /// The header.
    pub header: Header,
    /// Maps a file to its part of the diff, beginning with the `---` line.
    sections: BTreeMap<String, String>,
}

impl Patch {
    /// Reads a patch file.
    ///
    /// # Errors
    /// The file can't be read or parsed. The message names the file and, for a
    /// fault in the header, the line.
    pub fn load(path: &Path) -> Result<Self, String> {
        let text = read(path)?;
        let told = |why: String| format!("{}: {why}", path.display());
        let end = format!("\n{END}\n");
        let Some((header, diff)) = text.split_once(&end) else {
            return Err(told(format!(
                "the line `{END}` after the header is missing"
            )));
        };
        let header = Header::parse(&format!("{header}\n")).map_err(told)?;
        let sections = sections(diff).map_err(told)?;
        Ok(Self { path: path.to_owned(), header, sections })
    }

    /// An empty patch.
    #[must_use]
    pub fn new(path: PathBuf, header: Header) -> Self {
        Self { path, header, sections: BTreeMap::new() }
    }

    /// A patch with the same name and header that turns `old` into `new`.
    ///
    /// # Errors
    /// A new or removed file is empty: a diff can't express that.
    pub fn between(&self, old: &Files, new: &Files) -> Result<Self, String> {
        let mut patch = Self::new(self.path.clone(), self.header.clone());
        let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
        for file in names {
            patch.set(file, old.get(file), new.get(file))?;
        }
        Ok(patch)
    }

    /// Replaces the patch's changes to one file.
    ///
    /// # Errors
    /// As [`Patch::between`].
    pub fn set(
        &mut self,
        file: &str,
        old: Option<&String>,
        new: Option<&String>,
    ) -> Result<(), String> {
        self.sections.remove(file);
        if old == new {
            return Ok(());
        }
        if old.or(new).is_some_and(String::is_empty)
            && (old.is_none() || new.is_none())
        {
            return Err(format!("{file} is empty: a patch can't express that"));
        }
        let name = |prefix: &str, text: Option<&String>| match text {
            Some(_) => format!("{prefix}/{file}"),
            None => NO_FILE.to_owned(),
        };
        let (before, after) = (name("a", old), name("b", new));
        let old = old.map_or("", String::as_str);
        let new = new.map_or("", String::as_str);
        let diff = TextDiff::from_lines(old, new)
            .unified_diff()
            .context_radius(3)
            .header(&before, &after)
            .to_string();
        self.sections.insert(file.to_owned(), diff);
        Ok(())
    }

    /// Its path from the workspace root, such as
    /// `stage5-timers/steps/2-deadlines.patch`.
    #[must_use]
    pub fn name(&self) -> String {
        let parts: Vec<_> =
            self.path.iter().map(|part| part.to_string_lossy()).collect();
        parts.get(parts.len().saturating_sub(3)..).unwrap_or_default().join("/")
    }

    /// The files that the patch changes, creates or removes.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.sections.keys().map(String::as_str)
    }

    /// Drops what it does to other files than those that `keep` wants.
    pub fn keep(&mut self, keep: impl Fn(&str) -> bool) {
        self.sections.retain(|file, _| keep(file));
    }

    /// The diff alone, without the header.
    #[must_use]
    pub fn diff(&self) -> String {
        self.sections.values().map(String::as_str).collect()
    }

    /// The text of the patch file.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}{END}\n{}", self.header.text(), self.diff())
    }

    /// Writes the patch file.
    ///
    /// # Errors
    /// The file can't be written; the message names it.
    pub fn save(&self) -> Result<(), String> {
        write_if_changed(&self.path, &self.text())
    }

    /// Applies the patch to all files.
    ///
    /// # Errors
    /// The patch does not apply. The message names the file, the hunk and the
    /// first line that does not fit.
    pub fn apply(&self, files: &Files) -> Result<Files, String> {
        let mut files = files.clone();
        for file in self.sections.keys() {
            match self.apply_to(file, files.get(file).map(String::as_str))? {
                Some(text) => files.insert(file.clone(), text),
                None => files.remove(file),
            };
        }
        Ok(files)
    }

    /// Applies the patch to one file, which it may create or remove.
    ///
    /// # Errors
    /// As [`Patch::apply`].
    pub fn apply_to(
        &self,
        file: &str,
        old: Option<&str>,
    ) -> Result<Option<String>, String> {
        let Some(section) = self.sections.get(file) else {
            return Ok(old.map(str::to_owned));
        };
        let creates = section.starts_with(&format!("--- {NO_FILE}\n"));
        let removes = section.contains(&format!("\n+++ {NO_FILE}\n"));
        let old = match (creates, old) {
            (true, Some(_)) => {
                return Err(self.about(file, "the new file already exists"));
            }
            (false, None) => {
                return Err(self.about(file, "there is no such file"));
            }
            (_, old) => old.unwrap_or_default(),
        };
        let new =
            hunk::apply(old, section).map_err(|why| self.about(file, &why))?;
        if removes && !new.is_empty() {
            let why = "the removed file has more lines than the patch expects";
            return Err(self.about(file, why));
        }
        Ok((!removes).then_some(new))
    }

    /// Applies it to files that have changed since, wherever its hunks fit.
    ///
    /// # Errors
    /// If a hunk fits nowhere.
    pub fn fit(&self, files: &Files) -> Result<Files, String> {
        let mut files = files.clone();
        for (file, section) in &self.sections {
            let old = files.get(file).map_or("", String::as_str);
            let patch = diffy::Patch::from_str(section)
                .map_err(|error| self.about(file, &error.to_string()))?;
            let new = diffy::apply(old, &patch)
                .map_err(|error| self.about(file, &error.to_string()))?;
            files.insert(file.clone(), new);
        }
        Ok(files)
    }

    fn about(&self, file: &str, why: &str) -> String {
        let text = self.text();
        let section = self.sections.get(file).map_or("", String::as_str);
        let before = text.find(section).and_then(|at| text.get(..at));
        let line = before.map_or(0, |before| before.lines().count()) + 1;
        format!("{}:{line}: {file}: {why}", self.name())
    }
}

/// Splits a diff into its files. A file begins with three lines, `---`, `+++`
/// and `@@`. Inside a hunk, no line begins with `@@`.
fn sections(diff: &str) -> Result<BTreeMap<String, String>, String> {
    let lines: Vec<&str> = diff.split_inclusive('\n').collect();
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let mut current: Option<String> = None;
    for (index, line) in lines.iter().enumerate() {
        let next = |n: usize| lines.get(index + n).copied().unwrap_or("");
        let begins = line.starts_with("--- ")
            && next(1).starts_with("+++ ")
            && next(2).starts_with("@@ ");
        if begins {
            let file = name(line, next(1)).ok_or_else(|| {
                format!("`{}` does not name a file", line.trim_end())
            })?;
            if found.contains_key(&file) {
                return Err(format!("{file} has two diffs"));
            }
            found.insert(file.clone(), String::new());
            current = Some(file);
        }
        let file = current.as_ref().and_then(|file| found.get_mut(file));
        let section = file.ok_or_else(|| {
            format!("`{}` comes before the first file", line.trim_end())
        })?;
        section.push_str(line);
    }
    Ok(found)
}

/// The FILE in `--- a/FILE` and `+++ b/FILE`.
fn name(before: &str, after: &str) -> Option<String> {
    let before = before.strip_prefix("--- ")?.trim_end();
    let after = after.strip_prefix("+++ ")?.trim_end();
    let old = before.strip_prefix("a/");
    let new = after.strip_prefix("b/");
    let file = match (old, new) {
        (Some(old), Some(new)) if old == new => old,
        (Some(old), None) if after == NO_FILE => old,
        (None, Some(new)) if before == NO_FILE => new,
        _ => return None,
    };
    let inside = !file.starts_with('/')
        && file.split('/').all(|part| !matches!(part, "" | "." | ".."));
    inside.then(|| file.to_owned())
}
