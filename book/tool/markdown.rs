//! Parses a page with mdBook's own parser.

use std::collections::BTreeSet;
use std::ops::Range;

use mdbook_markdown::pulldown_cmark::{
    CodeBlockKind, Event, LinkType, OffsetIter, Tag, TagEnd,
};
use mdbook_markdown::{MarkdownOptions, new_cmark_parser};

/// A link or an image, in Markdown or in HTML.
#[derive(Debug)]
pub struct Link {
    /// The line where it begins, counted from 1.
    pub line: usize,
    /// The bytes of the target within the page, if they can be found.
    pub range: Option<Range<usize>>,
    /// The target as written.
    pub target: String,
    /// Whether the browser loads the target together with the page.
    pub loaded: bool,
}

/// A block of code.
#[derive(Debug)]
pub struct Block {
    /// The line where it begins, counted from 1.
    pub line: usize,
    /// Its bytes in the page, with the fences.
    pub range: Range<usize>,
    /// The text after the opening fence.
    pub info: String,
    /// The code.
    pub text: String,
}

/// Everything that the checks need to know about a page.
#[derive(Debug, Default)]
pub struct Scan {
    /// Links and images, in order.
    pub links: Vec<Link>,
    /// Blocks of code, in order.
    pub blocks: Vec<Block>,
    /// The bytes of `code` within the text.
    pub code: Vec<Range<usize>>,
    /// The ids that a fragment can name: headings, and ids in HTML.
    pub ids: BTreeSet<String>,
    /// The titles of definition lists.
    pub entries: Vec<Entry>,
    /// **Terms** within a sentence, with their lines. Bold type at the start of
    /// a paragraph is a title, not a term.
    pub bold: Vec<(usize, String)>,
    /// The bytes of plain text, without headings, links, directives, code and
    /// HTML.
    pub prose: Vec<Range<usize>>,
}

/// A title in a definition list.
#[derive(Debug)]
pub struct Entry {
    /// Its line, counted from 1.
    pub line: usize,
    /// The title.
    pub term: String,
    /// Its id.
    pub id: String,
}

/// The elements that the parser is inside of.
#[derive(Default)]
struct Within {
    /// A heading's explicit id, if it has one, and its text so far.
    heading: Option<(Option<String>, String)>,
    /// The start of bold text, and the text so far.
    bold: Option<(usize, String)>,
    /// Links and images.
    links: usize,
    /// Whether a paragraph or list item has just begun.
    opening: bool,
}

/// A line number, counted from 1.
pub fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|&byte| byte == b'\n').count() + 1
}

/// Reads a page.
pub fn scan(text: &str) -> Scan {
    let parser = new_cmark_parser(text, &MarkdownOptions::default());
    let mut events = parser.into_offset_iter();
    let mut scan = Scan::default();
    let mut within = Within::default();
    while let Some((event, range)) = events.next() {
        let opening = within.opening;
        within.opening = matches!(
            event,
            Event::Start(Tag::Paragraph | Tag::Item | Tag::TableCell)
        );
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                let block = read_block(text, &mut events, &kind, range);
                scan.blocks.push(block);
            }
            Event::Start(Tag::Link { link_type, dest_url, id, .. }) => {
                within.links += 1;
                let place = definition(&events, link_type, &id);
                scan.link(text, range, place, &dest_url, false);
            }
            Event::Start(Tag::Image { link_type, dest_url, id, .. }) => {
                within.links += 1;
                let place = definition(&events, link_type, &id);
                scan.link(text, range, place, &dest_url, true);
            }
            Event::End(TagEnd::Link | TagEnd::Image) => within.links -= 1,
            Event::Start(Tag::Heading { id, .. }) => {
                let id = id.map(|id| id.to_string());
                within.heading = Some((id, String::new()));
            }
            Event::Start(Tag::DefinitionListTitle) => {
                within.heading = Some((None, String::new()));
            }
            Event::End(TagEnd::Heading(_)) => {
                scan.heading(within.heading.take());
            }
            Event::End(TagEnd::DefinitionListTitle) => {
                let line = line_at(text, range.start);
                scan.entry(line, within.heading.take());
            }
            Event::Start(Tag::Strong) if !opening => {
                within.bold = Some((range.start, String::new()));
            }
            Event::End(TagEnd::Strong) => {
                if let Some((start, bold)) = within.bold.take() {
                    scan.bold.push((line_at(text, start), bold));
                }
            }
            Event::Code(part) => {
                scan.code.push(range);
                within.extend(&part);
            }
            Event::Text(part) => {
                within.extend(&part);
                let directive = part.starts_with("{{#");
                if within.heading.is_none() && within.links == 0 && !directive {
                    scan.prose.push(range);
                }
            }
            Event::SoftBreak => within.extend(" "),
            Event::Html(html) | Event::InlineHtml(html) => {
                scan.html(text, &html, range.start);
            }
            _ => {}
        }
    }
    scan
}

impl Within {
    /// Adds text to the current heading or bold text.
    fn extend(&mut self, part: &str) {
        let heading = self.heading.as_mut().map(|(_, text)| text);
        let bold = self.bold.as_mut().map(|(_, text)| text);
        for text in heading.into_iter().chain(bold) {
            text.push_str(part);
        }
    }
}

/// The place of the definition for a link such as `[text][name]`.
fn definition(
    events: &OffsetIter<'_>,
    link_type: LinkType,
    name: &str,
) -> Option<Range<usize>> {
    match link_type {
        LinkType::Inline | LinkType::Autolink | LinkType::Email => None,
        _ => Some(events.reference_definitions().get(name)?.span.clone()),
    }
}

/// Collects the lines of a block up to its end.
fn read_block(
    text: &str,
    events: &mut OffsetIter<'_>,
    kind: &CodeBlockKind<'_>,
    range: Range<usize>,
) -> Block {
    let mut code = String::new();
    for (event, _) in events.by_ref() {
        match event {
            Event::End(TagEnd::CodeBlock) => break,
            Event::Text(part) => code.push_str(&part),
            _ => {}
        }
    }
    let info = match kind {
        CodeBlockKind::Fenced(info) => info.to_string(),
        CodeBlockKind::Indented => String::new(),
    };
    Block { line: line_at(text, range.start), range, info, text: code }
}

impl Scan {
    fn link(
        &mut self,
        text: &str,
        range: Range<usize>,
        definition: Option<Range<usize>>,
        target: &str,
        loaded: bool,
    ) {
        let line = line_at(text, range.start);
        let place = definition.unwrap_or(range);
        // The target comes last: `[text](target)`, `[name]: target`.
        let range = text.get(place.clone()).and_then(|written| {
            let start = place.start + written.rfind(target)?;
            Some(start..start + target.len())
        });
        self.links.push(Link { line, range, target: target.into(), loaded });
    }

    /// Follows mdBook's rule for heading ids: lower case, hyphens for spaces,
    /// only letters, digits, `_` and `-`, and a number for duplicates.
    fn heading(
        &mut self,
        heading: Option<(Option<String>, String)>,
    ) -> Option<String> {
        let (id, text) = heading?;
        if let Some(id) = id {
            self.ids.insert(id.clone());
            return Some(id);
        }
        let base: String = text
            .trim()
            .to_lowercase()
            .chars()
            .filter_map(|c| match c {
                c if c.is_alphanumeric() || c == '_' || c == '-' => Some(c),
                c if c.is_whitespace() => Some('-'),
                _ => None,
            })
            .collect();
        let mut id = base.clone();
        let mut count = 0;
        while !self.ids.insert(id.clone()) {
            count += 1;
            id = format!("{base}-{count}");
        }
        Some(id)
    }

    fn entry(&mut self, line: usize, title: Option<(Option<String>, String)>) {
        let term = title.as_ref().map(|(_, term)| term.trim().to_string());
        if let (Some(term), Some(id)) = (term, self.heading(title)) {
            self.entries.push(Entry { line, term, id });
        }
    }

    fn html(&mut self, text: &str, html: &str, start: usize) {
        for (_, id) in attributes(html, "id") {
            self.ids.insert(id.to_string());
        }
        for (name, loaded) in [("href", false), ("src", true)] {
            for (at, target) in attributes(html, name) {
                let at = start + at;
                self.links.push(Link {
                    line: line_at(text, at),
                    range: Some(at..at + target.len()),
                    target: target.to_string(),
                    loaded,
                });
            }
        }
    }
}

/// The values of `name="value"`, with their offsets.
fn attributes<'a>(html: &'a str, name: &str) -> Vec<(usize, &'a str)> {
    let start = format!(" {name}=\"");
    html.match_indices(&start)
        .filter_map(|(at, _)| {
            let at = at + start.len();
            let (value, _) = html.get(at..)?.split_once('"')?;
            Some((at, value))
        })
        .collect()
}
