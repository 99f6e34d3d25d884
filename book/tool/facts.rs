//! The facts on one socket option, and the box of them on its page.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::workspace::Workspace;

/// What kind of choice it is.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// `setsockopt`.
    Option,
    /// An argument of a system call.
    Argument,
    /// A flag of a system call.
    Flag,
}

/// What it is set on.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// The socket that listens.
    Listener,
    /// An accepted socket.
    Connection,
    /// Both of them.
    Both,
    /// One call, not the socket.
    Call,
}

impl Target {
    /// As the table says it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Listener => "listener",
            Self::Connection => "connection",
            Self::Both => "listener and connection",
            Self::Call => "each call",
        }
    }
}

/// What a stage chooses, and those after it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// As `kernel.snap` has it, if it has a row for it.
    value: String,
    /// What else there is to say.
    says: Option<String>,
}

impl Choice {
    /// Value and text.
    pub fn words(&self) -> String {
        match &self.says {
            Some(says) => format!("{}, {says}", self.value),
            None => self.value.clone(),
        }
    }
}

/// One option. The texts are Markdown without links.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// `SO_REUSEADDR`
    pub name: String,
    pub kind: Kind,
    /// `SOL_SOCKET`, or the call that takes the argument or flag.
    pub level: String,
    /// The type of the value in C, and its unit.
    #[serde(rename = "type")]
    pub value: String,
    pub on: Target,
    /// When to set it.
    pub when: String,
    /// What happens if it is set too late.
    pub too_late: String,
    /// Whether an accepted socket has it from its listener: yes or no, and
    /// more.
    pub inherited: String,
    /// What Linux does without it.
    pub default: String,
    /// What differs on BSD and macOS.
    pub elsewhere: String,
    /// The experiments on it, as `STAGE/NAME`.
    #[serde(default)]
    pub labs: Vec<String>,
    /// Its row in the tables of what the kernel has, `kernel.snap`.
    pub row: Option<String>,
    /// The value in the stages before the first choice.
    pub untouched: Option<String>,
    /// From which stage on we choose what.
    pub choice: BTreeMap<String, Choice>,
    /// An item of `src/`, as `FILE#item`: where each of these stages says so.
    pub code: Option<String>,
    /// Its page, below `book/src`.
    pub page: String,
}

impl Facts {
    /// What is wrong with these facts, in words.
    pub fn check(
        &self,
        workspace: &Workspace,
        stages: &[String],
    ) -> Vec<String> {
        let mut wrong = Vec::new();
        if !workspace.src().join(&self.page).is_file() {
            wrong.push(format!("there is no page book/src/{}", self.page));
        }
        if self.choice.is_empty() {
            wrong.push("no stage chooses".to_string());
        }
        for stage in self.choice.keys().filter(|s| !stages.contains(s)) {
            wrong.push(format!("there is no stage {stage}"));
        }
        for lab in &self.labs {
            let Some((stage, name)) = lab.split_once('/') else {
                wrong.push(format!("a lab is STAGE/NAME: {lab}"));
                continue;
            };
            let file = format!("{stage}/examples/{name}.rs");
            if !workspace.root.join(&file).is_file() {
                wrong.push(format!("there is no lab {file}"));
            }
        }
        for text in self.texts() {
            if text.trim().is_empty() {
                wrong.push("a text is empty".to_string());
            }
            if text.contains("](") {
                wrong.push(format!("no links in these texts: {text}"));
            }
        }
        wrong
    }

    fn texts(&self) -> impl Iterator<Item = &String> {
        [
            &self.name,
            &self.level,
            &self.value,
            &self.when,
            &self.too_late,
            &self.inherited,
            &self.default,
            &self.elsewhere,
        ]
        .into_iter()
        .chain(self.choice.values().map(|choice| &choice.value))
        .chain(self.choice.values().filter_map(|choice| choice.says.as_ref()))
    }

    /// What `stage` has, by its own choice or by an earlier one.
    pub fn value(&self, stage: &str, stages: &[String]) -> Option<&str> {
        let count = stages.iter().position(|known| known == stage)?;
        let mut known = stages.iter().take(count + 1).rev();
        let chosen = known.find_map(|stage| self.choice.get(stage));
        chosen
            .map(|choice| &choice.value)
            .or(self.untouched.as_ref())
            .map(String::as_str)
    }

    /// Whether a connection has it from its listener, if the text says so.
    pub fn inherited(&self) -> Option<bool> {
        let end = self.inherited.find(|c: char| !c.is_alphabetic());
        match end.map_or(self.inherited.as_str(), |e| &self.inherited[..e]) {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        }
    }
}

/// Text within a table.
pub fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}
