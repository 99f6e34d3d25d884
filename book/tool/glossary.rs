//! Links the first use of each term on a page to the glossary.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::Range;

use crate::markdown::{self, Entry};

/// The page, below `book/src`.
pub const PAGE: &str = "glossary.md";

/// The terms, and which of them a page has used.
#[derive(Debug, Default)]
pub struct Glossary {
    terms: Vec<Entry>,
    used: BTreeSet<String>,
}

/// The use of a term on a page.
pub struct Use {
    /// Its bytes within the page.
    pub range: Range<usize>,
    /// The term's id in the glossary.
    pub id: String,
}

impl Glossary {
    /// Reads the glossary.
    pub fn new(text: &str) -> Self {
        let mut terms = markdown::scan(text).entries;
        // "listen backlog" must match before "backlog" does.
        terms.sort_by_key(|entry| Reverse(entry.term.len()));
        Self { terms, used: BTreeSet::new() }
    }

    /// Whether this is a term, possibly as a plural or in the past tense.
    pub fn has(&self, bold: &str) -> bool {
        let whole = 0..bold.len();
        self.terms.iter().any(|entry| find(bold, &entry.term).contains(&whole))
    }

    /// The first use of each term in the prose of a page.
    pub fn first_uses(
        &mut self,
        text: &str,
        prose: &[Range<usize>],
    ) -> Vec<Use> {
        let mut uses: Vec<Use> = Vec::new();
        for Entry { term, id, .. } in &self.terms {
            let mut all = prose.iter().flat_map(|part| {
                let found = find(text.get(part.clone()).unwrap_or(""), term);
                let shift =
                    |r: Range<usize>| part.start + r.start..part.start + r.end;
                found.into_iter().map(shift).collect::<Vec<_>>()
            });
            let apart = |a: &Range<usize>, b: &Range<usize>| {
                a.end <= b.start || b.end <= a.start
            };
            let range = all.find(|range| {
                uses.iter().all(|other| apart(range, &other.range))
            });
            if let Some(range) = range {
                self.used.insert(term.clone());
                uses.push(Use { range, id: id.clone() });
            }
        }
        uses
    }

    /// The terms that no page uses, with their lines.
    pub fn unused(&self) -> impl Iterator<Item = (usize, &str)> {
        self.terms
            .iter()
            .filter(|entry| !self.used.contains(&entry.term))
            .map(|entry| (entry.line, entry.term.as_str()))
    }
}

/// Finds a term as whole words, also as a plural or in the past tense. Case
/// matters only for abbreviations: "fin" is not FIN.
fn find(text: &str, term: &str) -> Vec<Range<usize>> {
    let inside = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    // Changes the case of ASCII only, which keeps the offsets valid.
    let exact = term.chars().all(|c| c.is_ascii_uppercase());
    let fold = |text: &str| {
        if exact { text.to_owned() } else { text.to_ascii_lowercase() }
    };
    let (text, term) = (fold(text), fold(term));
    let word = |(start, _): (usize, &str)| {
        let mut end = start + term.len();
        let after = text.get(end..)?;
        let word_end = after.find(|c: char| !inside(c)).unwrap_or(after.len());
        if matches!(after.get(..word_end), Some("s" | "d" | "ed")) {
            end += word_end;
        }
        let alone = !text.get(..start)?.ends_with(inside)
            && !text.get(end..)?.starts_with(inside);
        alone.then_some(start..end)
    };
    text.match_indices(&term).filter_map(word).collect()
}
