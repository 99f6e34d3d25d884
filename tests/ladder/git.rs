//! What is asked of git.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use conversations::variant::stages::Stage;
use similar::{ChangeTag, TextDiff};

use crate::chain::Version;

/// The repository that the workspace lies in.
pub struct Git {
    root: PathBuf,
    /// The commit that an edit is counted from.
    since: String,
}

/// The last commit.
pub const LAST: &str = "HEAD";

/// How an edit went into a file.
pub enum Merge {
    /// Without doubt; this is the new file.
    Clean(Vec<u8>),
    /// The file has something else in these lines, counted from 1.
    Conflict(Vec<usize>),
}

impl Git {
    /// The repository of a folder, with the commit that edits are counted
    /// from: [`LAST`], or another.
    ///
    /// # Errors
    /// In words: no git, no repository, no such commit.
    pub fn open(root: PathBuf, since: &str) -> Result<Self, String> {
        let git = Self { root, since: since.to_owned() };
        let head = git.run(&["log", "-1", "--format=%h"])?;
        if head.status.success() {
            let commit = format!("{since}^{{commit}}");
            let known = git.run(&["rev-parse", "--verify", "-q", &commit])?;
            if known.status.success() {
                return Ok(git);
            }
            return Err(format!("git knows no commit `{since}`"));
        }
        Err(format!(
            "an edit is what differs from the last commit, and git finds none: \
             {}",
            first_line(&head.stderr)
        ))
    }

    /// A file as it was committed then, with the line ends of the working
    /// tree; none if it is not there. The path is from the folder.
    ///
    /// # Errors
    /// In words, if git fails.
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

    /// A file of a stage as it is now, and as it was committed if that is
    /// something else.
    ///
    /// # Errors
    /// In words, if git fails, or the file can't be read or is not UTF-8.
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

    /// Applies the edit from `base` to `theirs` to `ours`.
    ///
    /// # Errors
    /// In words, if git fails.
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
        // git-merge-file(1): the exit status is the number of conflicts, at
        // most 127, and above that an error.
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

/// The lines of `ours` before which a conflict begins: the merged text is
/// `ours` with lines added, and among these are the marks of the conflicts.
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
    format!("git fails: {}", first_line(&output.stderr))
}

fn first_line(text: &[u8]) -> String {
    String::from_utf8_lossy(text).lines().next().unwrap_or("").to_owned()
}
