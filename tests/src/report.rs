//! The text of a failure: the promise, then what went wrong, then both
//! transcripts side by side with the first differing byte marked.

use std::fmt::Write as _;

use similar::{ChangeTag, TextDiff};

/// Maximum width of a column: two of them fit a terminal of 120 columns.
const WIDEST: usize = 56;

/// The heading of every failure: which promise is broken.
#[must_use]
pub fn heading(name: &str, promise: &str, place: &str) -> String {
    let mut text = format!("BROKEN PROMISE: {name}\n\n");
    for line in promise.lines() {
        let _ = writeln!(text, "    {line}");
    }
    let _ = writeln!(text, "    ({place})");
    text
}

/// The first differing line in full, a caret below the first differing byte,
/// and then everything, side by side.
#[must_use]
pub fn difference(expected: &str, got: &str) -> String {
    let mut text = String::new();
    let (index, left, right) = first_difference(expected, got);
    let _ = writeln!(text, "The first difference is in line {}:\n", index + 1);
    let _ = writeln!(text, "  expected  {}", left.unwrap_or("(nothing)"));
    let _ = writeln!(text, "  got       {}", right.unwrap_or("(nothing)"));
    if let (Some(left), Some(right)) = (left, right) {
        let same = left.chars().zip(right.chars()).take_while(|(l, r)| l == r);
        let _ = writeln!(text, "            {}^", " ".repeat(same.count()));
    }
    text.push('\n');
    text.push_str(&side_by_side(expected, got));
    text
}

/// Only the first response that differs, and the request before it: for servers
/// whose responses may differ in many places.
#[must_use]
pub fn response(expected: &str, got: &str) -> String {
    let (left, right) = (blocks(expected), blocks(got));
    let mut right = right.iter().filter(|block| !is_sent(block[0]));
    let mut text = String::new();
    let mut asked = &Vec::new();
    for block in &left {
        if is_sent(block[0]) {
            asked = block;
            continue;
        }
        let other = right.next();
        if other != Some(block) {
            for line in asked {
                let _ = writeln!(text, "  {line}");
            }
            let got_text = other.map_or("(nothing)".into(), |b| b.join("\n"));
            text.push('\n');
            return text + &side_by_side(&block.join("\n"), &got_text);
        }
    }
    let rest: Vec<String> = right.map(|block| block.join("\n")).collect();
    text + &side_by_side("(nothing more)", &rest.join("\n"))
}

/// Splits a transcript into blocks: the client's lines, a response, the end of
/// a connection.
fn blocks(transcript: &str) -> Vec<Vec<&str>> {
    let mut blocks: Vec<Vec<&str>> = Vec::new();
    for line in transcript.lines() {
        match blocks.last_mut() {
            Some(block) if !begins_block(block[0], line) => block.push(line),
            _ => blocks.push(vec![line]),
        }
    }
    blocks
}

fn begins_block(first: &str, line: &str) -> bool {
    if is_sent(line) || is_sent(first) {
        return is_sent(line) != is_sent(first);
    }
    let text = line.split_once("< ").map_or("", |(_, text)| text);
    let is_status = text.len() == 3 && text.parse::<u16>().is_ok();
    is_status || ["[closed]", "[reset]", "[still open]"].contains(&text)
}

fn is_sent(line: &str) -> bool {
    line.starts_with('>') || line.get(1..2) == Some(">")
}

fn first_difference<'a>(
    expected: &'a str,
    got: &'a str,
) -> (usize, Option<&'a str>, Option<&'a str>) {
    let (mut left, mut right) = (expected.lines(), got.lines());
    for index in 0.. {
        let (l, r) = (left.next(), right.next());
        if l != r || l.is_none() {
            return (index, l, r);
        }
    }
    (0, None, None)
}

/// Two columns; `!` between them marks a row that differs.
fn side_by_side(expected: &str, got: &str) -> String {
    let rows = rows(expected, got);
    let longest = rows.iter().map(|(left, _)| left.chars().count()).max();
    let width = longest.unwrap_or(0).clamp(20, WIDEST);
    let mut text = String::new();
    let _ = writeln!(text, "  {:width$}   got", "expected");
    let _ = writeln!(text, "  {}   {}", "-".repeat(width), "-".repeat(width));
    for (left, right) in rows {
        let mark = if left == right { '|' } else { '!' };
        let (left, right) = (truncate(&left, width), truncate(&right, WIDEST));
        let line = format!("  {left:width$} {mark} {right}");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// Pairs of lines: equal lines side by side, the others in order.
fn rows(expected: &str, got: &str) -> Vec<(String, String)> {
    let diff = TextDiff::from_lines(expected, got);
    let mut rows = Vec::new();
    let (mut lost, mut new) = (Vec::new(), Vec::new());
    for change in diff.iter_all_changes() {
        let line = change.value().trim_end_matches('\n').to_owned();
        match change.tag() {
            ChangeTag::Delete => lost.push(line),
            ChangeTag::Insert => new.push(line),
            ChangeTag::Equal => {
                pair(&mut rows, &mut lost, &mut new);
                rows.push((line.clone(), line));
            }
        }
    }
    pair(&mut rows, &mut lost, &mut new);
    rows
}

fn pair(
    rows: &mut Vec<(String, String)>,
    lost: &mut Vec<String>,
    new: &mut Vec<String>,
) {
    let count = lost.len().max(new.len());
    lost.resize(count, String::new());
    new.resize(count, String::new());
    rows.extend(lost.drain(..).zip(new.drain(..)));
}

fn truncate(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    let kept: String = line.chars().take(width.saturating_sub(1)).collect();
    kept + "\u{2026}"
}
