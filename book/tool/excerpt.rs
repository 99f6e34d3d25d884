//! Extracts part of a file: between anchors, or an item by name.

use crate::anchor::{Marker, marker};
use crate::items;

/// The part of a file to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// The item with this name.
    Item(String),
    /// The lines between `// ANCHOR: name` and `// ANCHOR_END: name`.
    Anchor(String),
}

impl Part {
    /// Parses `FILE`, `FILE#item` or `FILE:ANCHOR`.
    pub fn split(text: &str) -> Result<(String, Self), String> {
        let (file, part) = if let Some((file, item)) = text.split_once('#') {
            (file, Self::Item(item.to_string()))
        } else if let Some((file, anchor)) = text.split_once(':') {
            (file, Self::Anchor(anchor.to_string()))
        } else {
            (text, Self::Whole)
        };
        let unnamed = match &part {
            Self::Item(name) | Self::Anchor(name) => name.is_empty(),
            Self::Whole => false,
        };
        if file.is_empty() || unnamed {
            return Err(format!("{text}: a name is missing"));
        }
        Ok((file.to_string(), part))
    }
}

/// Lines of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The text without markers and without common indentation.
    pub text: String,
    /// The first line shown, counted from 1 in the file.
    pub first: usize,
    /// The last line shown.
    pub last: usize,
}

/// Extracts `part` from `text`.
///
/// # Errors
///
/// The part does not exist, or exists more than once.
pub fn excerpt(text: &str, part: &Part) -> Result<Excerpt, String> {
    let count = text.lines().count();
    let (first, last) = match part {
        Part::Whole => (1, count),
        Part::Item(name) => items::find(text, name)?,
        Part::Anchor(name) => anchor(text, name)?,
    };
    let lines: Vec<(usize, &str)> = (1..)
        .zip(text.lines())
        .filter(|(number, _)| (first..=last).contains(number))
        .filter(|(_, line)| marker(line).is_none())
        .collect();
    // Blank lines at the ends belong to the markers, not to the code.
    let shown = |&(_, line): &(usize, &str)| !line.trim().is_empty();
    let start = lines.iter().position(shown);
    let end = lines.iter().rposition(shown);
    let lines = start
        .zip(end)
        .and_then(|(start, end)| lines.get(start..=end))
        .ok_or("this part is empty")?;
    Ok(Excerpt {
        text: dedent(lines),
        first: lines.first().map_or(first, |&(number, _)| number),
        last: lines.last().map_or(last, |&(number, _)| number),
    })
}

/// The lines between the two markers of `name`.
fn anchor(text: &str, name: &str) -> Result<(usize, usize), String> {
    let lines = |wanted: Marker<'_>| {
        let found: Vec<usize> = (1..)
            .zip(text.lines())
            .filter(|(_, line)| marker(line).as_ref() == Some(&wanted))
            .map(|(number, _)| number)
            .collect();
        match found.as_slice() {
            [number] => Ok(*number),
            [] => Err(format!("there is no `{wanted}`")),
            _ => Err(format!("there is more than one `{wanted}`")),
        }
    };
    let start = lines(Marker::Start(name))?;
    let end = lines(Marker::End(name))?;
    if end <= start {
        return Err(format!("the anchor {name} ends before it begins"));
    }
    Ok((start + 1, end - 1))
}

/// Removes the indentation that all lines share.
fn dedent(lines: &[(usize, &str)]) -> String {
    let depth = lines
        .iter()
        .map(|(_, line)| line)
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.len() - line.trim_start().len())
        .min()
        .unwrap_or(0);
    let lines: Vec<&str> = lines
        .iter()
        .map(|(_, line)| line.get(depth..).unwrap_or_default())
        .collect();
    lines.join("\n")
}
