//! Applies one file's part of a diff, or says where it does not fit.

use diffy::{Line, Patch};

/// Applies a file's part of a diff.
///
/// # Errors
/// The diff does not fit. The message names the hunk and the first line that
/// differs from what the hunk expects.
pub fn apply(old: &str, section: &str) -> Result<String, String> {
    let patch = Patch::from_str(section)
        .map_err(|error| format!("not a unified diff: {error}"))?;
    if let Some(why) = misfit(old, &patch) {
        return Err(why);
    }
    diffy::apply(old, &patch).map_err(|error| error.to_string())
}

/// Finds the first hunk that does not fit at its own line numbers. `diffy`
/// would try other lines, and a sub-step must not depend on such a guess.
fn misfit(old: &str, patch: &Patch<str>) -> Option<String> {
    let lines: Vec<&str> = old.split_inclusive('\n').collect();
    for (number, hunk) in (1..).zip(patch.hunks()) {
        let range = hunk.old_range();
        let expected = hunk.lines().iter().filter_map(|line| match line {
            Line::Context(text) | Line::Delete(text) => Some(*text),
            Line::Insert(_) => None,
        });
        for (line, expected) in (range.start()..).zip(expected) {
            let found = lines.get(line.saturating_sub(1)).copied();
            if found != Some(expected) {
                let found = found.map_or("missing".to_owned(), quoted);
                return Some(format!(
                    "hunk {number} (@@ -{},{} @@) does not fit: line {line} \
                     is {found}, but the patch expects {}",
                    range.start(),
                    range.len(),
                    quoted(expected)
                ));
            }
        }
    }
    None
}

fn quoted(line: &str) -> String {
    match line.strip_suffix('\n') {
        Some(line) => format!("`{line}`"),
        None => format!("`{line}` without a line end"),
    }
}
