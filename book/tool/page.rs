//! Expands the directives of one page, and checks its code and links.

use std::ops::Range;

use crate::diagram;
use crate::directive::{self, Directive};
use crate::glossary;
use crate::html::{check_width, to_root};
use crate::library::Library;
use crate::links::{self, Destination, Page, PageLink};
use crate::markdown::{self, Block, Link, Scan};
use crate::problem::Problems;

/// Replaces `range` with `text`.
struct Edit {
    range: Range<usize>,
    text: String,
}

/// A page in progress.
struct Work<'a> {
    path: &'a str,
    text: &'a str,
    library: &'a mut Library,
    problems: &'a mut Problems,
    edits: Vec<Edit>,
    links: Vec<PageLink>,
}

/// Expands the page at `path` below `book/src`.
pub fn expand(
    path: &str,
    text: &str,
    library: &mut Library,
    problems: &mut Problems,
) -> Page {
    let scan = markdown::scan(text);
    let mut work = Work {
        path,
        text,
        library,
        problems,
        edits: Vec::new(),
        links: Vec::new(),
    };
    for (number, block) in (1..).zip(&scan.blocks) {
        work.block(number, block);
    }
    for link in &scan.links {
        work.link(link);
    }
    work.directives(&scan);
    if path != glossary::PAGE {
        work.terms(&scan);
    }
    let Work { mut edits, links, .. } = work;
    edits.sort_by_key(|edit| edit.range.start);
    let mut expanded = text.to_string();
    for edit in edits.iter().rev() {
        expanded.replace_range(edit.range.clone(), &edit.text);
    }
    Page { path: path.to_string(), text: expanded, links }
}

impl Work<'_> {
    fn problem(&mut self, line: usize, message: impl Into<String>) {
        let file = format!("book/src/{}", self.path);
        self.problems.add(&file, line, message);
    }

    /// Turns drawings into SVG, and checks that other code fits the page.
    fn block(&mut self, number: usize, block: &Block) {
        if let Some(title) = diagram::title(&block.info) {
            match diagram::draw(&block.text, title, number) {
                Ok(text) => {
                    self.edits.push(Edit { range: block.range.clone(), text });
                }
                Err(message) => self.problem(block.line, message),
            }
        } else if let Err(message) = check_width(&block.text) {
            self.problem(block.line, message);
        }
    }

    fn link(&mut self, link: &Link) {
        match links::destination(self.path, link, self.library) {
            Ok(Destination::Elsewhere) => {}
            Ok(Destination::Page { page, fragment }) => {
                self.links.push(PageLink { line: link.line, page, fragment });
            }
            Ok(Destination::Source(target)) => {
                // Two links can share one definition: edit it once.
                let Some(range) = link.range.clone() else {
                    let message = "write this link as [text](target)";
                    return self.problem(link.line, message);
                };
                if !self.edits.iter().any(|edit| edit.range == range) {
                    self.edits.push(Edit { range, text: target });
                }
            }
            Err(message) => self.problem(link.line, message),
        }
    }

    /// Links the first use of each term to the glossary, and checks that it has
    /// every term in bold type.
    fn terms(&mut self, scan: &Scan) {
        for (line, bold) in &scan.bold {
            if !self.library.glossary.has(bold) {
                let message = format!("the glossary has no **{bold}**");
                self.problem(*line, message);
            }
        }
        let uses = self.library.glossary.first_uses(self.text, &scan.prose);
        for glossary::Use { range, id } in uses {
            let text = self.text.get(range.clone()).unwrap_or_default();
            let root = to_root(self.path);
            let text = format!(
                "<a class=\"term\" href=\"{root}glossary.html#{id}\">{text}</a>"
            );
            self.edits.push(Edit { range, text });
        }
    }

    /// Expands directives, each on a line of its own. Anywhere else, `{{#` is a
    /// mistake unless it has a backslash in front or is inline `code`.
    fn directives(&mut self, scan: &Scan) {
        let mut start = 0;
        for (number, line) in (1..).zip(self.text.split_inclusive('\n')) {
            let range = start..start + line.trim_end().len();
            start += line.len();
            let Some(at) = line.find("{{#") else { continue };
            let at = range.start + at;
            let in_block = scan.blocks.iter().any(|b| b.range.contains(&at));
            if self.text.get(..at).is_some_and(|t| t.ends_with('\\')) {
                let (range, text) = (at - 1..at, String::new());
                self.edits.push(Edit { range, text });
            } else if scan.code.iter().any(|code| code.contains(&at)) {
            } else if in_block {
                let message = "a directive does nothing in a code block; \
                               to show one, write \\{{#";
                self.problem(number, message);
            } else {
                self.directive(number, range);
            }
        }
    }

    fn directive(&mut self, number: usize, range: Range<usize>) {
        let line = self.text.get(range.clone()).unwrap_or_default();
        let bare = line.trim_start();
        let indent = " ".repeat(line.len() - bare.len());
        let result = bare.parse::<Directive>().and_then(|directive| {
            directive::expand(&directive, self.path, self.library)
        });
        match result {
            Ok(text) => {
                // In a list, every line needs the directive's indentation.
                let text: Vec<String> = text
                    .lines()
                    .map(|line| format!("{indent}{line}"))
                    .map(|line| line.trim_end().to_string())
                    .collect();
                self.edits.push(Edit { range, text: text.join("\n") });
            }
            Err(message) => self.problem(number, message),
        }
    }
}
