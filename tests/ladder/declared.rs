//! `tests/ladder.toml`: which files may differ from stage to stage, and why.

use std::collections::BTreeMap;
use std::fs;

use conversations::variant::files::told;
use conversations::variant::stages::{DECLARED, Ladder};
use serde::Deserialize;

use crate::step::Kind;

/// The declared differences between a stage and the one before it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declared {
    /// Maximum number of lines in `src/` that a step without sub-steps may
    /// change, added plus removed.
    pub budget: Option<usize>,
    /// The same limit for each sub-step.
    pub step_budget: Option<usize>,
    /// Maps a file that both stages have to the reason for its change.
    #[serde(default)]
    pub changes: BTreeMap<String, String>,
    /// Maps a file that is new in this stage to the reason.
    #[serde(default)]
    pub appears: BTreeMap<String, String>,
    /// Maps a file that this stage no longer has to the reason.
    #[serde(default)]
    pub disappears: BTreeMap<String, String>,
}

impl Declared {
    /// The files declared to differ in this way, with the reasons.
    #[must_use]
    pub fn of(&self, kind: Kind) -> &BTreeMap<String, String> {
        match kind {
            Kind::Changes => &self.changes,
            Kind::Appears => &self.appears,
            Kind::Disappears => &self.disappears,
        }
    }
}

/// Reads the file: a map from a stage's name to its declared differences.
///
/// # Errors
/// An unknown key, or the name of a stage that does not exist.
pub fn load(ladder: &Ladder) -> Result<BTreeMap<String, Declared>, String> {
    let path = ladder.root.join(DECLARED);
    let text = fs::read_to_string(&path).map_err(|e| told(&path, &e))?;
    let steps: BTreeMap<String, Declared> =
        toml::from_str(&text).map_err(|e| format!("{DECLARED}: {e}"))?;
    for name in steps.keys() {
        if !ladder.pairs().any(|(_, after)| after.name == *name) {
            return Err(format!(
                "{DECLARED}: `{name}` is not a stage, or is the first one"
            ));
        }
    }
    Ok(steps)
}
