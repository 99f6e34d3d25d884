//! The comments that mark part of a file: `ANCHOR: name`, `ANCHOR_END: name`.

use std::fmt;

/// A marker with its anchor's name.
#[derive(Debug, PartialEq, Eq)]
pub enum Marker<'a> {
    /// `// ANCHOR: name`
    Start(&'a str),
    /// `// ANCHOR_END: name`
    End(&'a str),
}

impl fmt::Display for Marker<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(name) => write!(f, "ANCHOR: {name}"),
            Self::End(name) => write!(f, "ANCHOR_END: {name}"),
        }
    }
}

/// Parses a line that is a marker.
pub fn marker(line: &str) -> Option<Marker<'_>> {
    let comment = line.trim();
    let comment =
        comment.strip_prefix("//").or_else(|| comment.strip_prefix('#'))?;
    let comment = comment.trim();
    if let Some(name) = comment.strip_prefix("ANCHOR:") {
        Some(Marker::Start(name.trim()))
    } else {
        Some(Marker::End(comment.strip_prefix("ANCHOR_END:")?.trim()))
    }
}
