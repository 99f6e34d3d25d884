//! The sub-steps between two stages: their files and their headers.

use std::collections::BTreeMap;
use std::fmt::Write;

use conversations::number::Number;
use conversations::variant::rung::Rung;
use conversations::variant::stages::Ladder;

use crate::html::{escape, to_root};
use crate::workspace::Workspace;

/// All sub-steps by name, such as `5.2`.
#[derive(Debug, Default)]
pub struct Steps {
    rungs: BTreeMap<String, Rung>,
}

impl Steps {
    /// Applies all patches.
    ///
    /// # Errors
    /// A patch does not apply.
    pub fn load(workspace: &Workspace) -> Result<Self, String> {
        let stages = workspace.stages();
        let folder = |stage: &String| workspace.root.join(stage).join("steps");
        if !stages.iter().any(|stage| folder(stage).is_dir()) {
            return Ok(Self::default());
        }
        let ladder = Ladder::find(&workspace.root)?;
        let numbers = ladder.numbers()?.into_iter();
        let rungs = numbers.filter(|number| number.step.is_some()).map(|it| {
            let rung = ladder.rung(it)?;
            Ok((it.to_string(), rung))
        });
        Ok(Self { rungs: rungs.collect::<Result<_, String>>()? })
    }

    /// The previous tree and the tree of `name`: `5.1` comes before `5.2`, and
    /// the stage `before` comes before `5.1`.
    ///
    /// # Errors
    /// There is no such sub-step.
    pub fn pair(
        &self,
        name: &str,
        stage_before: impl Fn(u32) -> Result<String, String>,
    ) -> Result<(String, String), String> {
        let number = self.rung(name)?.number;
        let old = match number.step {
            Some(step) if step > 1 => {
                Number::step(number.stage, step - 1).to_string()
            }
            _ => stage_before(number.stage.saturating_sub(1))?,
        };
        Ok((old, name.to_owned()))
    }

    /// A file of a sub-step, by a path such as `5.2/src/timers.rs`. `None` if
    /// the path does not begin with a sub-step.
    #[must_use]
    pub fn read(&self, path: &str) -> Option<Result<String, String>> {
        let (name, file) = path.split_once('/')?;
        let rung = self.rungs.get(name)?;
        let found = rung.files.get(file).cloned();
        Some(found.ok_or_else(|| format!("{name} has no {file}")))
    }

    /// The sources of a sub-step, as paths that [`Steps::read`] takes.
    #[must_use]
    pub fn files(&self, name: &str) -> Vec<String> {
        let files = self.rungs.get(name).into_iter();
        let files = files.flat_map(|rung| rung.files.keys());
        let files = files.filter(|file| file.starts_with("src/"));
        files.map(|file| format!("{name}/{file}")).collect()
    }

    /// The opening of a sub-step's page: its place on the ladder, its idea, and
    /// commands to try.
    ///
    /// # Errors
    /// There is no such sub-step.
    pub fn head(&self, name: &str, page: &str) -> Result<String, String> {
        let rung = self.rung(name)?;
        let stage = rung.number.stage;
        let mut map = String::new();
        for (other, rung) in &self.rungs {
            if rung.number.stage != stage {
                continue;
            }
            let title = escape(&field(rung, "Title"));
            let text = format!("<b>{other}</b> {title}");
            let _ = if other == name {
                writeln!(map, "<li aria-current=\"step\">{text}</li>")
            } else {
                let href = format!("{}{}", to_root(page), page_of(other));
                writeln!(map, "<li><a href=\"{href}\">{text}</a></li>")
            };
        }
        let idea = escape(&field(rung, "Idea"));
        Ok(format!(
            "<nav class=\"step-map\" aria-label=\"The steps to stage {stage}\">\
             \n<ol>\n{map}</ol>\n</nav>\n\n<p class=\"idea\">{idea}</p>\n\n\
             ```sh\ncargo ladder diff {name}          # what it changes\n\
             cargo ladder checkout {name} DIR  # a server that ends here\n```"
        ))
    }

    /// What is still missing after a sub-step.
    ///
    /// # Errors
    /// There is no such sub-step.
    pub fn lacks(&self, name: &str) -> Result<String, String> {
        Ok(field(self.rung(name)?, "Lacks"))
    }

    /// The sub-steps of a stage as a table: title, idea and page.
    ///
    /// # Errors
    /// The stage has no sub-steps.
    pub fn table(&self, stage: &str, page: &str) -> Result<String, String> {
        let mut table = String::from("| step | idea |\n| --- | --- |\n");
        let before = table.len();
        for (name, rung) in &self.rungs {
            if rung.number.stage.to_string() == stage {
                let (title, idea) = (field(rung, "Title"), field(rung, "Idea"));
                let href = to_root(page) + &page_of(name);
                let href = href.replace(".html", ".md");
                let _ =
                    writeln!(table, "| [{name} {title}]({href}) | {idea} |");
            }
        }
        if table.len() == before {
            return Err(format!("stage {stage} has no sub-steps"));
        }
        Ok(table)
    }

    fn rung(&self, name: &str) -> Result<&Rung, String> {
        let rung = self.rungs.get(name);
        rung.ok_or_else(|| format!("there is no sub-step {name}"))
    }
}

/// The page of a sub-step: `steps/5-2.html`.
fn page_of(name: &str) -> String {
    format!("steps/{}.html", name.replace('.', "-"))
}

fn field(rung: &Rung, name: &str) -> String {
    let patch = rung.patch.as_ref();
    patch.map(|patch| patch.header.paragraph(name)).unwrap_or_default()
}
