//! `tests/ladder.toml`: what may differ from stage to stage, and why.

use std::collections::BTreeMap;
use std::fs;

use conversations::variant::files::told;
use conversations::variant::stages::{DECLARED, Ladder};
use serde::Deserialize;

use crate::step::Kind;

/// What is declared of the step to one stage.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declared {
    /// How many lines of `src/` may change, added and removed together, in a
    /// step without sub-steps.
    pub budget: Option<usize>,
    /// The same for each sub-step.
    pub step_budget: Option<usize>,
    /// File -> why, for files that both stages have.
    #[serde(default)]
    pub changes: BTreeMap<String, String>,
    /// File -> why, for files that this stage is the first to have.
    #[serde(default)]
    pub appears: BTreeMap<String, String>,
    /// File -> why, for files that it does not have any more.
    #[serde(default)]
    pub disappears: BTreeMap<String, String>,
}

impl Declared {
    /// What is declared to differ in this way.
    #[must_use]
    pub fn of(&self, kind: Kind) -> &BTreeMap<String, String> {
        match kind {
            Kind::Changes => &self.changes,
            Kind::Appears => &self.appears,
            Kind::Disappears => &self.disappears,
        }
    }
}

/// Reads it: the name of a stage -> what is declared of the step to it.
///
/// # Errors
/// In words: a key that means nothing is a mistake, and so is a stage that is
/// not there.
pub fn load(ladder: &Ladder) -> Result<BTreeMap<String, Declared>, String> {
    let path = ladder.root.join(DECLARED);
    let text = fs::read_to_string(&path).map_err(|e| told(&path, &e))?;
    let steps: BTreeMap<String, Declared> =
        toml::from_str(&text).map_err(|e| format!("{DECLARED}: {e}"))?;
    for name in steps.keys() {
        if !ladder.pairs().any(|(_, after)| after.name == *name) {
            return Err(format!(
                "{DECLARED}: `{name}` is no stage with another before it"
            ));
        }
    }
    Ok(steps)
}
