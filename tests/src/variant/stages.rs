//! The stages, and which of their files `cargo ladder` compares.

use std::fs;
use std::path::{Path, PathBuf};

use super::files::{Files, entries, told, tree};

/// The file that declares the differences, relative to the workspace root.
pub const DECLARED: &str = "tests/ladder.toml";

/// All stages, lowest first.
#[derive(Debug, Clone)]
pub struct Ladder {
    /// The workspace root, with symbolic links resolved.
    pub root: PathBuf,
    /// Stage 1 and all following ones, without gaps.
    pub stages: Vec<Stage>,
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// The digit in its name.
    pub number: u32,
    /// The name of its folder, such as `stage4-epoll-et`.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
}

impl Ladder {
    /// Looks for the workspace root in a folder and its parents, then finds the
    /// stages there.
    ///
    /// # Errors
    /// There is no workspace, or a stage is missing or exists twice.
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
                return Err(format!("{name}: expected stage {expected} here"));
            }
        }
        if stages.is_empty() {
            return Err(format!("there are no stages in {}", root.display()));
        }
        Ok(Self { root, stages })
    }

    /// Each pair of neighbouring stages.
    pub fn pairs(&self) -> impl Iterator<Item = (&Stage, &Stage)> {
        self.stages.iter().zip(self.stages.iter().skip(1))
    }
}

impl Stage {
    /// The files that `cargo ladder` compares between stages: the server and
    /// its tests. README and labs may differ freely.
    ///
    /// # Errors
    /// A file can't be read.
    pub fn files(&self) -> Result<Files, String> {
        tree(&self.folder)
    }

    /// Whether the stage has this file.
    #[must_use]
    pub fn has(&self, file: &str) -> bool {
        self.folder.join(file).is_file()
    }

    /// A file's bytes.
    ///
    /// # Errors
    /// The file can't be read; the message names it.
    pub fn read(&self, file: &str) -> Result<Vec<u8>, String> {
        let path = self.folder.join(file);
        fs::read(&path).map_err(|error| told(&path, &error))
    }
}

/// The 3 of `stage3-epoll-lt`.
fn number(name: &str) -> Option<u32> {
    name.strip_prefix("stage")?.split_once('-')?.0.parse().ok()
}
