//! A small aligned table without rules, narrow enough for a slide.

use std::fmt::{self, Write as _};

/// The maximum width of a lab's output, in columns.
pub const WIDEST: usize = 72;

/// Spaces between two columns.
const GAP: usize = 2;

/// Rows of words; each column is as wide as its longest word.
#[derive(Debug, Clone)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with this heading row.
    #[must_use]
    pub fn new(head: &[&str]) -> Self {
        let mut table = Self { rows: Vec::new() };
        table.row(head);
        table
    }

    /// Appends a row.
    pub fn row<Word: AsRef<str>>(&mut self, words: &[Word]) {
        let words = words.iter().map(|word| word.as_ref().to_owned());
        self.rows.push(words.collect());
    }

    fn width(&self, column: usize) -> usize {
        let words = self.rows.iter().filter_map(|row| row.get(column));
        words.map(|word| word.chars().count()).max().unwrap_or(0)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, row) in self.rows.iter().enumerate() {
            let mut line = String::new();
            for (column, word) in row.iter().enumerate() {
                let width = self.width(column) + GAP;
                let _ = write!(line, "{word:width$}");
            }
            let end = if number + 1 < self.rows.len() { "\n" } else { "" };
            write!(f, "{}{end}", line.trim_end())?;
        }
        Ok(())
    }
}
