//! The facts on one socket option, and the box of them on its page.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Deserialize;

use crate::library::Library;
use crate::workspace::Workspace;

/// What kind of choice it is.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
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

/// One choice. The texts are Markdown without links.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// `SO_REUSEADDR`
    pub name: String,
    kind: Kind,
    /// `SOL_SOCKET`, or the call that takes the argument or flag.
    level: String,
    /// The type of the value in C, and its unit.
    #[serde(rename = "type")]
    value: String,
    pub on: Target,
    /// When to set it.
    when: String,
    /// What happens if it is set too late.
    too_late: String,
    /// Whether an accepted socket has it from its listener.
    inherited: String,
    /// What Linux does without it.
    pub default: String,
    /// What differs on BSD and macOS.
    elsewhere: String,
    /// From which stage on we choose what.
    pub choice: BTreeMap<String, String>,
    /// An item of `src/`, as `FILE#item`: where each of these stages says so.
    code: Option<String>,
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
        .chain(self.choice.values())
    }

    /// The box of facts, with links to the code of each stage that chooses.
    ///
    /// # Errors
    ///
    /// In words, when this is not the option's page, or the code is not there.
    pub fn facts(
        &self,
        page: &str,
        library: &mut Library,
    ) -> Result<String, String> {
        if page != self.page {
            return Err(format!("{} belongs on {}", self.name, self.page));
        }
        let (level, value) = match self.kind {
            Kind::Option => ("Level", "Type"),
            Kind::Argument => ("Argument of", "Type"),
            Kind::Flag => ("Flag of", "Type"),
        };
        let mut rows = vec![
            (level.to_string(), self.level.clone()),
            (value.to_string(), self.value.clone()),
            ("Set on".to_string(), self.on.word().to_string()),
            ("When".to_string(), self.when.clone()),
            ("Too late".to_string(), self.too_late.clone()),
            ("Inherited".to_string(), self.inherited.clone()),
            ("Default".to_string(), self.default.clone()),
            ("BSD, macOS".to_string(), self.elsewhere.clone()),
        ];
        for (stage, choice) in &self.choice {
            let mut choice = choice.clone();
            if let Some((file, item)) =
                self.code.as_ref().and_then(|code| code.split_once('#'))
            {
                let file = format!("{stage}/src/{file}");
                let href = library.item_link(page, &file, item)?;
                let _ = write!(choice, " ([`{item}`]({href}))");
            }
            rows.push((stage.clone(), choice));
        }
        let mut table = format!("| | `{}` |\n| --- | --- |\n", self.name);
        for (name, text) in rows {
            let _ = writeln!(table, "| {name} | {} |", cell(&text));
        }
        Ok(format!("<div class=\"facts\">\n\n{table}\n</div>"))
    }
}

/// Text within a table.
pub fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}
