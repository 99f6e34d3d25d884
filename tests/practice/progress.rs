//! What the learner has done, in `practice/progress.toml`.

use std::collections::BTreeMap;
use std::path::Path;

use conversations::variant::files::{read, write_if_changed};
use serde::{Deserialize, Serialize};

const FILE: &str = "progress.toml";

/// What has been started, read and solved.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// The task that was started last.
    pub current: Option<String>,
    /// Task -> how far it is.
    #[serde(default)]
    pub tasks: BTreeMap<String, Entry>,
}

/// How far one task is.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// How many hints have been read.
    #[serde(default)]
    pub hints: usize,
    /// Whether the solution has been read before the task was solved.
    #[serde(default)]
    pub looked: bool,
    /// Whether the check has passed.
    #[serde(default)]
    pub solved: bool,
}

impl Progress {
    /// Reads the file; without one nothing has been done yet.
    ///
    /// # Errors
    /// If it can't be read: it is left as it is.
    pub fn load(folder: &Path) -> Result<Self, String> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Ok(Self::default());
        }
        toml::from_str(&read(&path)?)
            .map_err(|error| format!("{}: {}", path.display(), error.message()))
    }

    /// How far a task is.
    pub fn entry(&mut self, name: &str) -> &mut Entry {
        self.tasks.entry(name.to_owned()).or_default()
    }

    /// Writes the file.
    ///
    /// # Errors
    /// If that fails.
    pub fn save(&self, folder: &Path) -> Result<(), String> {
        let text = toml::to_string(self).map_err(|e| e.to_string())?;
        write_if_changed(&folder.join(FILE), &text)
    }
}
