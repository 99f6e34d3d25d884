//! The files that a page can show or link to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Component, Path};

use crate::anchor::{Marker, marker};
use crate::colour;
use crate::excerpt::{Part, excerpt};
use crate::glossary::{self, Glossary};
use crate::html::{escape, to_root};
use crate::options::Options;
use crate::problem::Problems;
use crate::steps::Steps;
use crate::workspace::{Workspace, has_extension};

/// The material for the pages, and a record of what they have used.
#[derive(Debug)]
pub struct Library {
    /// The folders.
    pub workspace: Workspace,
    /// The stages' folders, in order.
    pub stages: Vec<String>,
    /// The facts about socket options.
    pub options: Options,
    /// The sub-steps.
    pub steps: Steps,
    /// The glossary.
    pub glossary: Glossary,
    /// The files that have a page of their own.
    sources: BTreeSet<String>,
    /// `(file, name)` of each anchor shown.
    anchors: BTreeSet<(String, String)>,
    /// The options whose box of facts is on a page.
    boxes: BTreeSet<String>,
}

impl Library {
    /// Collects the material. Every source file of every stage gets a page, so
    /// that an offline reader has the complete servers.
    pub fn new(workspace: &Workspace, problems: &mut Problems) -> Self {
        let stages = workspace.stages();
        let sources = stages
            .iter()
            .flat_map(|stage| workspace.stage_files(stage))
            .collect();
        let steps = Steps::load(workspace).unwrap_or_else(|why| {
            problems.add("tests/ladder.toml", 1, why);
            Steps::default()
        });
        Self {
            workspace: workspace.clone(),
            steps,
            glossary: load_glossary(workspace),
            options: Options::load(workspace, &stages, problems),
            stages,
            sources,
            anchors: BTreeSet::new(),
            boxes: BTreeSet::new(),
        }
    }

    /// Reads a file by its path from the workspace's root, or that of a
    /// sub-step by a path such as `5.2/src/timers.rs`.
    ///
    /// # Errors
    ///
    /// The path leads out of the workspace, or can't be read.
    pub fn read(&self, file: &str) -> Result<String, String> {
        if let Some(text) = self.steps.read(file) {
            return text;
        }
        let plain = |part| matches!(part, Component::Normal(_));
        if !Path::new(file).components().all(plain) {
            return Err(format!("{file} is outside the workspace"));
        }
        fs::read_to_string(self.workspace.root.join(file))
            .map_err(|error| format!("cannot read {file}: {error}"))
    }

    /// The link from `page` to the whole of `file`. Gives the file a page.
    pub fn source_link(
        &mut self,
        page: &str,
        file: &str,
        line: Option<usize>,
    ) -> String {
        self.sources.insert(file.to_string());
        let line = line.map(|line| format!("#L{line}")).unwrap_or_default();
        format!("{}sources/{file}.html{line}", to_root(page))
    }

    /// Whether a file has a page. Files of sub-steps have none.
    pub fn has_page(&self, file: &str) -> bool {
        self.steps.read(file).is_none()
    }

    /// Like `source_link`, but to the item `name`.
    ///
    /// # Errors
    ///
    /// The file or the item does not exist.
    pub fn item_link(
        &mut self,
        page: &str,
        file: &str,
        name: &str,
    ) -> Result<String, String> {
        let found = excerpt(&self.read(file)?, &Part::Item(name.to_string()))
            .map_err(|error| format!("{file}: {error}"))?;
        Ok(self.source_link(page, file, Some(found.first)))
    }

    /// Records that the book shows an anchor.
    pub fn use_anchor(&mut self, file: &str, name: &str) {
        self.anchors.insert((file.to_string(), name.to_string()));
    }

    /// Records that a page has the box of facts about an option.
    pub fn use_box(&mut self, name: &str) {
        self.boxes.insert(name.to_string());
    }

    /// Reports anchors that no page shows, options without their box, and terms
    /// that no page uses.
    pub fn check_unused(&self, problems: &mut Problems) {
        let files =
            self.stages.iter().flat_map(|s| self.workspace.stage_files(s));
        for file in files {
            let Ok(text) = self.read(&file) else { continue };
            for (number, line) in (1..).zip(text.lines()) {
                let Some(Marker::Start(name)) = marker(line) else { continue };
                let key = (file.clone(), name.to_string());
                if !self.anchors.contains(&key) {
                    let message =
                        format!("no page of the book shows the anchor {name}");
                    problems.add(&file, number, message);
                }
            }
        }
        for (line, term) in self.glossary.unused() {
            let file = format!("book/src/{}", glossary::PAGE);
            problems.add(&file, line, format!("no page uses the term {term}"));
        }
        for (name, page) in self.options.pages() {
            if !self.boxes.contains(name) {
                let file = format!("book/src/{page}");
                let message = format!("{{{{#option {name}}}}} is missing");
                problems.add(&file, 1, message);
            }
        }
    }

    /// The pages for whole files: path below `book/src`, title, text.
    pub fn source_pages(&self) -> BTreeMap<String, (String, String)> {
        let mut pages = BTreeMap::new();
        for file in &self.sources {
            let Ok(text) = self.read(file) else { continue };
            let page = format!("sources/{file}.md");
            pages.insert(page, (file.clone(), source_page(file, &text)));
        }
        pages
    }

    /// The list of these pages, with the first doc line of each file.
    pub fn source_list(&self, page: &str) -> String {
        let mut list = String::from("| file | |\n| --- | --- |\n");
        for file in &self.sources {
            let Ok(text) = self.read(file) else { continue };
            let says = text
                .lines()
                .find_map(|line| line.strip_prefix("//! "))
                .unwrap_or_default()
                .replace('|', "\\|");
            let href = format!("{}sources/{file}.html", to_root(page));
            let _ = writeln!(list, "| [`{file}`]({href}) | {says} |");
        }
        list
    }
}

/// The glossary, or an empty one if the book has no such page.
fn load_glossary(workspace: &Workspace) -> Glossary {
    let text = fs::read_to_string(workspace.src().join(glossary::PAGE));
    Glossary::new(&text.unwrap_or_default())
}

/// A whole file. Each line has its number and an id for links.
fn source_page(file: &str, text: &str) -> String {
    let lines = if has_extension(file, "rs") {
        colour::rust(text)
    } else {
        text.lines().map(escape).collect()
    };
    let lines: Vec<String> = (1..)
        .zip(lines)
        .map(|(n, line)| format!("<span id=\"L{n}\">{line}\n</span>"))
        .collect();
    format!(
        "# {file}\n\n<pre class=\"source\"><code class=\"nohighlight\">\
         {}</code></pre>\n",
        lines.concat()
    )
}
