//! Collects the problems of the book, with file and line.

use std::error::Error;
use std::fmt;

/// One problem, at a line of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The path from the workspace's root.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// The message.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// All problems found in one run, so that an author can fix them together.
#[derive(Debug, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Adds a problem.
    pub fn add(&mut self, file: &str, line: usize, message: impl Into<String>) {
        let message = message.into();
        self.0.push(Problem { file: file.to_string(), line, message });
    }

    /// Returns the problems, sorted by file and line, as an error.
    ///
    /// # Errors
    ///
    /// There is at least one problem.
    pub fn finish(mut self) -> Result<(), Self> {
        self.0.sort();
        self.0.dedup();
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        write!(f, "{count} {noun} in the book")?;
        for problem in &self.0 {
            write!(f, "\n{problem}")?;
        }
        Ok(())
    }
}

impl Error for Problems {}
