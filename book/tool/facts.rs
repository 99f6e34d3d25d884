//! The facts about one socket option.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::workspace::Workspace;

/// The kind of setting.
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

/// The socket or call that the option is set on.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// The listening socket.
    Listener,
    /// An accepted socket.
    Connection,
    /// Both sockets.
    Both,
    /// One call, not the socket.
    Call,
}

impl Target {
    /// The word for the table.
    pub fn word(self) -> &'static str {
        match self {
            Self::Listener => "listener",
            Self::Connection => "connection",
            Self::Both => "listener and connection",
            Self::Call => "each call",
        }
    }
}

/// The choice of one stage, which also holds for later ones.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The value, spelled as in `kernel.snap` if that has a row for it.
    value: String,
    /// A remark.
    says: Option<String>,
}

impl Choice {
    /// Value and remark.
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
    /// The level, such as `SOL_SOCKET`, or the call that takes the argument or
    /// flag.
    pub level: String,
    /// The type of the value in C, and its unit.
    #[serde(rename = "type")]
    pub value: String,
    pub on: Target,
    /// When to set it.
    pub when: String,
    /// The effect of setting it too late.
    pub too_late: String,
    /// Whether an accepted socket inherits it from its listener: yes or no,
    /// and details.
    pub inherited: String,
    /// The default on Linux.
    pub default: String,
    /// The differences on BSD and macOS.
    pub elsewhere: String,
    /// Its labs, as `STAGE/NAME`.
    #[serde(default)]
    pub labs: Vec<String>,
    /// Its row in the tables of kernel values, `kernel.snap`.
    pub row: Option<String>,
    /// The value in the stages before the first choice.
    pub untouched: Option<String>,
    /// Our choice, for each stage that makes one.
    pub choice: BTreeMap<String, Choice>,
    /// The item in `src/` that sets it in each of these stages, as `FILE#item`.
    pub code: Option<String>,
    /// Its page, below `book/src`.
    pub page: String,
}

impl Facts {
    /// The mistakes in these facts, as messages.
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
            wrong.push("no stage makes a choice".to_string());
        }
        for stage in self.choice.keys().filter(|s| !stages.contains(s)) {
            wrong.push(format!("there is no stage {stage}"));
        }
        for lab in &self.labs {
            let Some((stage, name)) = lab.split_once('/') else {
                wrong.push(format!("expected STAGE/NAME for a lab: {lab}"));
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
                wrong.push(format!("links are not allowed here: {text}"));
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

    /// The value in `stage`, from its own choice or an earlier one.
    pub fn value(&self, stage: &str, stages: &[String]) -> Option<&str> {
        let count = stages.iter().position(|known| known == stage)?;
        let mut known = stages.iter().take(count + 1).rev();
        let chosen = known.find_map(|stage| self.choice.get(stage));
        chosen
            .map(|choice| &choice.value)
            .or(self.untouched.as_ref())
            .map(String::as_str)
    }

    /// Whether a connection inherits it, if the text begins with yes or no.
    pub fn inherited(&self) -> Option<bool> {
        let end = self.inherited.find(|c: char| !c.is_alphabetic());
        match end.map_or(self.inherited.as_str(), |e| &self.inherited[..e]) {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        }
    }
}

/// Text for a table cell.
pub fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}
