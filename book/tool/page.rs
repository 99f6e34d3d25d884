//! One page: its directives are replaced, its code and links are looked at.

use std::ops::Range;

use crate::diagram;
use crate::directive::{self, Directive};
use crate::glossary;
use crate::html::{check_width, to_root};
use crate::library::Library;
use crate::links::{self, Destination, Page, PageLink};
use crate::markdown::{self, Block, Link, Scan};
use crate::problem::Problems;

/// Replacing `range` by `text`.
struct Edit {
    range: Range<usize>,
    text: String,
}

/// The work on one page.
struct Work<'a> {
    path: &'a str,
    text: &'a str,
    library: &'a mut Library,
    problems: &'a mut Problems,
    edits: Vec<Edit>,
    links: Vec<PageLink>,
}

/// Expands a page that stands at `path` below `book/src`.
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

    /// A drawing becomes SVG; other code must fit the page.
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

    /// The first use of each term leads to the glossary, and a term in bold
    /// type must be there.
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

    /// A directive stands alone on its line. Anywhere else `{{#` is a slip,
    /// unless a backslash precedes it or it is `code` within a sentence.
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
                // Within a list all lines stand as deep as the directive.
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
