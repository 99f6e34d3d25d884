//! The stages, and the files in them that are compared.

use std::fs;
use std::path::{Path, PathBuf};

use super::files::{Files, entries, told, tree};

/// Where the differences are declared, from the top of the workspace.
pub const DECLARED: &str = "tests/ladder.toml";

/// All stages, lowest first.
#[derive(Debug, Clone)]
pub struct Ladder {
    /// The top of the workspace, without symlinks.
    pub root: PathBuf,
    /// Stage 1 and the others, without a gap.
    pub stages: Vec<Stage>,
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// The digit in its name.
    pub number: u32,
    /// `stage4-epoll-et`: its folder's name.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
}

impl Ladder {
    /// Looks in a folder and in those above it for the top of the workspace,
    /// and there for the stages.
    ///
    /// # Errors
    /// In words: no workspace, or stages that can't be counted through.
    pub fn find(from: &Path) -> Result<Self, String> {
        let from = from.canonicalize().map_err(|e| told(from, &e))?;
        let root = from
            .ancestors()
            .find(|folder| folder.join(DECLARED).is_file())
            .ok_or_else(|| {
                format!(
                    "there is no {DECLARED} in {} or above it",
                    from.display()
                )
            })?
            .to_owned();
        let mut stages = Vec::new();
        for (name, folder) in entries(&root)? {
            if let Some(number) = number(&name).filter(|_| folder.is_dir()) {
                stages.push(Stage { number, name, folder });
            }
        }
        stages.sort_by_key(|stage| stage.number);
        for (expected, stage) in (1..).zip(&stages) {
            if stage.number != expected {
                let name = &stage.name;
                return Err(format!(
                    "{name} stands where stage {expected} is expected"
                ));
            }
        }
        if stages.is_empty() {
            return Err(format!("there are no stages in {}", root.display()));
        }
        Ok(Self { root, stages })
    }

    /// Each stage but the first, with the one before it.
    pub fn pairs(&self) -> impl Iterator<Item = (&Stage, &Stage)> {
        self.stages.iter().zip(self.stages.iter().skip(1))
    }
}

impl Stage {
    /// The files that are compared with the neighbour's: what makes the
    /// server and its tests. README and labs are each stage's own.
    ///
    /// # Errors
    /// In words, if one can't be read.
    pub fn files(&self) -> Result<Files, String> {
        tree(&self.folder)
    }

    /// Whether it has this file.
    #[must_use]
    pub fn has(&self, file: &str) -> bool {
        self.folder.join(file).is_file()
    }

    /// A file's bytes.
    ///
    /// # Errors
    /// In words, with the file's name.
    pub fn read(&self, file: &str) -> Result<Vec<u8>, String> {
        let path = self.folder.join(file);
        fs::read(&path).map_err(|error| told(&path, &error))
    }
}

/// The 3 of `stage3-epoll-lt`.
fn number(name: &str) -> Option<u32> {
    name.strip_prefix("stage")?.split_once('-')?.0.parse().ok()
}
