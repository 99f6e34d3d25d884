//! The options in `book/options.toml`, and tables of them.

use std::fmt::Write;
use std::fs;

use serde::Deserialize;

use crate::facts::{Facts, cell};
use crate::html::to_root;
use crate::kernel;
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
    /// Reads the file. A book without the file has no options.
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
                let message = format!("{} is defined twice", facts.name);
                problems.add(FILE, line, message);
            }
            let mut wrong = facts.check(workspace, stages);
            wrong.extend(kernel::check(facts, workspace, stages));
            for message in wrong {
                let message = format!("{}: {message}", facts.name);
                problems.add(FILE, line, message);
            }
        }
        options
    }

    /// The facts about `name`.
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

    /// The table of the choices in force in `stage`, its own and earlier ones.
    ///
    /// # Errors
    ///
    /// There is no such stage.
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
                "| {} | {} | {} | {} |",
                link(facts, page),
                facts.on.word(),
                cell(&facts.default),
                cell(&choice.words()),
            );
        }
        Ok(table)
    }

    /// The table of each option's value in every stage, with its labs.
    pub fn choices(&self, page: &str, stages: &[String]) -> String {
        let mut table = String::from(
            "| option | default | stage by stage | lab |\n\
             | --- | --- | --- | --- |\n",
        );
        for facts in &self.option {
            let labs: Vec<String> = facts
                .labs
                .iter()
                .filter_map(|lab| lab.split_once('/'))
                .map(|(stage, name)| {
                    let root = to_root(page);
                    let file = format!("sources/{stage}/examples/{name}.rs");
                    format!("[`{name}`]({root}{file}.html)")
                })
                .collect();
            let _ = writeln!(
                table,
                "| {} | {} | {} | {} |",
                link(facts, page),
                cell(&facts.default),
                cell(&stage_by_stage(facts, stages)),
                labs.join(", "),
            );
        }
        stacked("choices", &table)
    }

    /// The table of where and when to set each option.
    pub fn moments(&self, page: &str) -> String {
        let mut table = String::from(
            "| option | level | set on | when | inherited |\n\
             | --- | --- | --- | --- | --- |\n",
        );
        for facts in &self.option {
            let _ = writeln!(
                table,
                "| {} | {} | {} | {} | {} |",
                link(facts, page),
                cell(&facts.level),
                facts.on.word(),
                cell(&facts.when),
                cell(&facts.inherited),
            );
        }
        stacked("moments", &table)
    }
}

/// A table that the style sheet turns into blocks on a phone.
fn stacked(class: &str, table: &str) -> String {
    format!("<div class=\"stacked {class}\">\n\n{table}\n</div>")
}

/// The option's name, as a link to its page.
fn link(facts: &Facts, page: &str) -> String {
    format!("[`{}`]({}{})", facts.name, to_root(page), facts.page)
}

/// `1: off; 2–6: on`: neighbouring stages with the same value share an entry.
fn stage_by_stage(facts: &Facts, stages: &[String]) -> String {
    let values = stages.iter().map(|stage| facts.value(stage, stages));
    let mut runs: Vec<(usize, usize, &str)> = Vec::new();
    for (number, value) in (1..).zip(values) {
        let value = value.unwrap_or_default();
        match runs.last_mut() {
            Some((_, last, same)) if *same == value => *last = number,
            _ => runs.push((number, number, value)),
        }
    }
    let texts: Vec<String> = runs
        .iter()
        .map(|(first, last, value)| match last - first {
            0 => format!("{first}: {value}"),
            _ => format!("{first}–{last}: {value}"),
        })
        .collect();
    texts.join("; ")
}

/// The line of the file that defines the option.
fn line_of(text: &str, name: &str) -> usize {
    let wanted = format!("\"{name}\"");
    let found = (1..).zip(text.lines()).find(|(_, l)| l.contains(&wanted));
    found.map_or(1, |(number, _)| number)
}
