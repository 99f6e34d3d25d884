//! The options of `book/options.toml`, and the table of them.

use std::fmt::Write;
use std::fs;

use serde::Deserialize;

use crate::facts::{Facts, cell};
use crate::html::to_root;
use crate::markdown::line_at;
use crate::problem::Problems;
use crate::workspace::Workspace;

/// The file with the facts.
const FILE: &str = "book/options.toml";

/// The file as a whole.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    #[serde(default)]
    option: Vec<Facts>,
}

impl Options {
    /// Reads the file; without one there are no options.
    pub fn load(
        workspace: &Workspace,
        stages: &[String],
        problems: &mut Problems,
    ) -> Self {
        let Ok(text) = fs::read_to_string(workspace.root.join(FILE)) else {
            return Self::default();
        };
        let options: Self = match toml::from_str(&text) {
            Ok(options) => options,
            Err(error) => {
                let start = error.span().map_or(0, |span| span.start);
                problems.add(FILE, line_at(&text, start), error.message());
                return Self::default();
            }
        };
        for (number, facts) in options.option.iter().enumerate() {
            let line = line_of(&text, &facts.name);
            let mut before = options.option.iter().take(number);
            if before.any(|other| other.name == facts.name) {
                let message = format!("{} stands here twice", facts.name);
                problems.add(FILE, line, message);
            }
            for message in facts.check(workspace, stages) {
                let message = format!("{}: {message}", facts.name);
                problems.add(FILE, line, message);
            }
        }
        options
    }

    /// The facts on `name`.
    pub fn get(&self, name: &str) -> Result<&Facts, String> {
        self.option
            .iter()
            .find(|facts| facts.name == name)
            .ok_or(format!("{FILE} has no option {name}"))
    }

    /// Each option's name and page.
    pub fn pages(&self) -> impl Iterator<Item = (&str, &str)> {
        self.option.iter().map(|f| (f.name.as_str(), f.page.as_str()))
    }

    /// The table of what `stage` chooses, itself or by an earlier stage.
    ///
    /// # Errors
    ///
    /// In words, when there is no such stage.
    pub fn table(
        &self,
        stage: &str,
        page: &str,
        stages: &[String],
    ) -> Result<String, String> {
        let count = stages
            .iter()
            .position(|known| known == stage)
            .ok_or(format!("there is no stage {stage}"))?;
        let known = || stages.iter().take(count + 1);
        let mut table = String::from(
            "| option | set on | default | our choice |\n\
             | --- | --- | --- | --- |\n",
        );
        for facts in &self.option {
            let choice = known().rev().find_map(|s| facts.choice.get(s));
            let Some(choice) = choice else { continue };
            let _ = writeln!(
                table,
                "| [`{}`]({}{}) | {} | {} | {} |",
                facts.name,
                to_root(page),
                facts.page,
                facts.on.word(),
                cell(&facts.default),
                cell(choice),
            );
        }
        Ok(table)
    }
}

/// The line of the file that names the option.
fn line_of(text: &str, name: &str) -> usize {
    let wanted = format!("\"{name}\"");
    let found = (1..).zip(text.lines()).find(|(_, l)| l.contains(&wanted));
    found.map_or(1, |(number, _)| number)
}
