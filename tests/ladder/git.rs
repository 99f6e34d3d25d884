//! The git commands that `cargo ladder` runs.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use conversations::variant::stages::Stage;
use similar::{ChangeTag, TextDiff};

use crate::chain::Version;

/// The repository that contains the workspace.
pub struct Git {
    root: PathBuf,
    /// An edit is the difference from this commit.
    since: String,
}

/// The last commit.
pub const LAST: &str = "HEAD";

/// The result of a merge.
pub enum Merge {
    /// No conflict; this is the merged file.
    Clean(Vec<u8>),
    /// Conflicts at these lines, counted from 1.
    Conflict(Vec<usize>),
}

impl Git {
    /// Opens the repository of a folder. An edit is the difference from the
    /// commit `since`, usually [`LAST`].
    ///
    /// # Errors
    /// There is no git, no repository, or no such commit.
    pub fn open(root: PathBuf, since: &str) -> Result<Self, String> {
        let git = Self { root, since: since.to_owned() };
        let head = git.run(&["log", "-1", "--format=%h"])?;
        if head.status.success() {
            let commit = format!("{since}^{{commit}}");
            let known = git.run(&["rev-parse", "--verify", "-q", &commit])?;
            if known.status.success() {
                return Ok(git);
            }
            return Err(format!("git can't find the commit `{since}`"));
        }
        Err(format!(
            "cannot find the last commit, which edits are compared with: {}",
            first_line(&head.stderr)
        ))
    }

    /// The committed text of a file, with the line ends of the working tree, or
    /// `None` if the commit does not have it. The path is relative to the
    /// workspace root.
    ///
    /// # Errors
    /// Git fails.
    pub fn committed(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        let listed =
            self.run(&["ls-tree", "--name-only", &self.since, path])?;
        if !listed.status.success() {
            return Err(said(&listed));
        }
        if listed.stdout.is_empty() {
            return Ok(None);
        }
        let name = format!("{}:./{path}", self.since);
        let file = self.run(&["cat-file", "--filters", &name])?;
        if file.status.success() {
            Ok(Some(file.stdout))
        } else {
            Err(said(&file))
        }
    }

    /// The current text of a stage's file, then the committed one if it
    /// differs.
    ///
    /// # Errors
    /// Git fails, or the file can't be read or is not UTF-8.
    pub fn versions(
        &self,
        stage: &Stage,
        file: &str,
    ) -> Result<Vec<Version>, String> {
        let name = format!("{}/{file}", stage.name);
        let now = stage.has(file).then(|| stage.read(file)).transpose()?;
        let mut versions = vec![now];
        let committed = self.committed(&name)?;
        if !versions.contains(&committed) {
            versions.push(committed);
        }
        let utf8 = |text: Option<Vec<u8>>| {
            text.map(String::from_utf8)
                .transpose()
                .map_err(|_| format!("{name} is not UTF-8"))
        };
        versions.into_iter().map(utf8).collect()
    }

    /// Merges the edit from `base` to `theirs` into `ours`.
    ///
    /// # Errors
    /// Git fails.
    pub fn merge(
        &self,
        ours: &[u8],
        base: &[u8],
        theirs: &[u8],
    ) -> Result<Merge, String> {
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        let mut command = self.command(&["merge-file", "-p"]);
        for (name, text) in [("ours", ours), ("base", base), ("edit", theirs)] {
            let path = folder.path().join(name);
            fs::write(&path, text).map_err(|e| e.to_string())?;
            command.arg(path);
        }
        let merged = run(&mut command)?;
        // git-merge-file(1): the exit status is the number of conflicts, up to
        // 127. A higher status is an error.
        match merged.status.code() {
            Some(0) => Ok(Merge::Clean(merged.stdout)),
            Some(1..=127) => {
                Ok(Merge::Conflict(conflicts(ours, &merged.stdout)))
            }
            _ => Err(said(&merged)),
        }
    }

    fn run(&self, words: &[&str]) -> Result<Output, String> {
        run(&mut self.command(words))
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.args(words).current_dir(&self.root).env("LC_ALL", "C");
        command
    }
}

fn run(command: &mut Command) -> Result<Output, String> {
    command.output().map_err(|error| format!("cannot run git: {error}"))
}

/// The line numbers in `ours` at which a conflict begins. The merged text is
/// `ours` plus inserted lines, which include the conflict markers.
fn conflicts(ours: &[u8], merged: &[u8]) -> Vec<usize> {
    let ours = String::from_utf8_lossy(ours);
    let merged = String::from_utf8_lossy(merged);
    let diff = TextDiff::from_lines(&*ours, &*merged);
    let (mut line, mut found) = (1, Vec::new());
    for change in diff.iter_all_changes() {
        match change.tag() {
            ChangeTag::Insert if change.value().starts_with("<<<<<<< ") => {
                found.push(line);
            }
            ChangeTag::Insert => {}
            ChangeTag::Delete | ChangeTag::Equal => line += 1,
        }
    }
    found
}

fn said(output: &Output) -> String {
    format!("git failed: {}", first_line(&output.stderr))
}

fn first_line(text: &[u8]) -> String {
    String::from_utf8_lossy(text).lines().next().unwrap_or("").to_owned()
}
