//! Shows what a stage or sub-step changes.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::ops::Range;
use std::str::FromStr;

use conversations::number::Number;
use similar::{ChangeTag, DiffOp, TextDiff};

use crate::colour;
use crate::html::escape;
use crate::items;
use crate::library::Library;
use crate::workspace::has_extension;

/// Unchanged lines shown before and after a change.
const CONTEXT: usize = 3;

/// The part of a diff to show: all of it, one file, or one item of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    /// The later stage or sub-step, `5` or `5.2`.
    pub stage: String,
    /// The path below the stages' `src`.
    pub file: Option<String>,
    /// The item's name.
    pub item: Option<String>,
}

impl FromStr for Request {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (stage, file) = match text.split_once(' ') {
            Some((stage, file)) => (stage, Some(file.trim())),
            None => (text, None),
        };
        if stage.parse::<Number>().is_err() {
            return Err(format!("{stage} is not the number of a stage"));
        }
        let stage = stage.to_owned();
        let (file, item) = match file.and_then(|file| file.split_once('#')) {
            Some((file, item)) => (Some(file), Some(item)),
            None => (file, None),
        };
        let (file, item) = (file.map(Into::into), item.map(Into::into));
        Ok(Self { stage, file, item })
    }
}

/// Two versions of a file. A missing version is empty.
struct Pair {
    name: String,
    old: String,
    new: String,
    new_path: String,
    is_new: bool,
    is_gone: bool,
}

/// The diff as HTML, with highlighted Rust. `+` and `-` are text, so that the
/// diff works without colours and can be copied as a patch.
///
/// # Errors
///
/// The stage, file or item does not exist or does not change.
pub fn show(
    request: &Request,
    page: &str,
    library: &mut Library,
) -> Result<String, String> {
    let (old, new) = neighbours(&request.stage, library)?;
    if let Some(file) = &request.file {
        let pair = read_pair(library, &old, &new, file)?;
        if pair.old == pair.new {
            return Err(format!("{file} is the same in {old} and {new}"));
        }
        return figure(&pair, request.item.as_deref(), page, library);
    }
    let mut files = BTreeSet::new();
    for stage in [&old, &new] {
        let src = format!("{stage}/src/");
        let mut paths = library.workspace.stage_files(stage);
        paths.extend(library.steps.files(stage));
        for path in paths {
            files.extend(path.strip_prefix(&src).map(str::to_string));
        }
    }
    let mut table = String::from(
        "| file | lines added | lines removed |\n| --- | --- | --- |\n",
    );
    let mut figures = Vec::new();
    for file in files {
        let pair = read_pair(library, &old, &new, &file)?;
        if pair.old != pair.new {
            let (plus, minus) = count(&pair);
            let _ = writeln!(table, "| `{file}` | +{plus} | −{minus} |");
            figures.push(figure(&pair, None, page, library)?);
        }
    }
    if figures.is_empty() {
        return Err(format!("{old} and {new} are the same"));
    }
    Ok(format!("{table}\n{}", figures.join("\n\n")))
}

/// The folders of a stage and its predecessor, or the names of a sub-step and
/// its predecessor.
fn neighbours(
    name: &str,
    library: &Library,
) -> Result<(String, String), String> {
    let stage = |number| library.workspace.stage(number);
    match name.parse::<Number>()? {
        Number { step: Some(_), .. } => library.steps.pair(name, stage),
        Number { stage: number, .. } => {
            Ok((stage(number.saturating_sub(1))?, stage(number)?))
        }
    }
}

fn read_pair(
    library: &Library,
    old: &str,
    new: &str,
    file: &str,
) -> Result<Pair, String> {
    let new_path = format!("{new}/src/{file}");
    let before = library.read(&format!("{old}/src/{file}"));
    let after = library.read(&new_path);
    if before.is_err() && after.is_err() {
        return Err(format!("neither {old} nor {new} has src/{file}"));
    }
    let (is_new, is_gone) = (before.is_err(), after.is_err());
    Ok(Pair {
        name: file.to_string(),
        old: before.unwrap_or_default(),
        new: after.unwrap_or_default(),
        new_path,
        is_new,
        is_gone,
    })
}

/// Lines added and removed.
fn count(pair: &Pair) -> (usize, usize) {
    let diff = TextDiff::from_lines(pair.old.as_str(), pair.new.as_str());
    let of = |tag| diff.iter_all_changes().filter(|c| c.tag() == tag).count();
    (of(ChangeTag::Insert), of(ChangeTag::Delete))
}

/// The hunks of one file, or only those that touch `item`.
fn figure(
    pair: &Pair,
    item: Option<&str>,
    page: &str,
    library: &mut Library,
) -> Result<String, String> {
    let diff = TextDiff::from_lines(pair.old.as_str(), pair.new.as_str());
    let lines = Lines::of(pair);
    let touches = touched(pair, item)?;
    let mut body = String::new();
    for group in diff.grouped_ops(CONTEXT) {
        if group.iter().any(&touches) {
            body.push_str(&hunk_header(&group));
            for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
                let (old, new) = (change.old_index(), change.new_index());
                body.push_str(&lines.show(change.tag(), old, new));
            }
        }
    }
    if body.is_empty() {
        let item = item.unwrap_or("the file");
        return Err(format!("{}: {item} does not change", pair.name));
    }
    let name = escape(&pair.name);
    let caption = if pair.is_gone {
        format!("{name}, removed")
    } else if !library.has_page(&pair.new_path) {
        let new = if pair.is_new { ", a new file" } else { "" };
        let (step, file) = pair.new_path.split_once('/').unwrap_or_default();
        format!("{}{new}, in {step}", escape(file))
    } else {
        let href = library.source_link(page, &pair.new_path, None);
        let new = if pair.is_new { ", a new file" } else { "" };
        format!("<a href=\"{href}\">{}</a>{new}", escape(&pair.new_path))
    };
    Ok(format!(
        "<figure class=\"stage-diff\">\n<figcaption>{caption}</figcaption>\n\
         <pre><code class=\"nohighlight\">{body}</code></pre>\n</figure>"
    ))
}

/// Whether an operation changes lines of the item, in either version.
fn touched(
    pair: &Pair,
    item: Option<&str>,
) -> Result<impl Fn(&DiffOp) -> bool, String> {
    let lines = |text: &str, name| {
        items::find(text, name).map(|(first, last)| first - 1..last)
    };
    let ranges = match item {
        None => None,
        Some(name) => {
            let (old, new) = (lines(&pair.old, name), lines(&pair.new, name));
            if let (Err(_), Err(message)) = (&old, &new) {
                return Err(format!("{}: {message}", pair.name));
            }
            Some((old.unwrap_or_default(), new.unwrap_or_default()))
        }
    };
    let meet =
        |a: &Range<usize>, b: &Range<usize>| a.start < b.end && b.start < a.end;
    Ok(move |op: &DiffOp| match (op, &ranges) {
        (DiffOp::Equal { .. }, _) => false,
        (_, None) => true,
        (op, Some((old, new))) => {
            meet(&op.old_range(), old) || meet(&op.new_range(), new)
        }
    })
}

/// `@@ -first,count +first,count @@`
fn hunk_header(group: &[DiffOp]) -> String {
    let span = |ranges: Vec<Range<usize>>| {
        let start = ranges.first().map_or(0, |range| range.start);
        let end = ranges.last().map_or(0, |range| range.end);
        format!("{},{}", start + usize::from(end > start), end - start)
    };
    let old = span(group.iter().map(DiffOp::old_range).collect());
    let new = span(group.iter().map(DiffOp::new_range).collect());
    format!("<span class=\"hunk\">@@ -{old} +{new} @@\n</span>")
}

/// Both versions, highlighted as whole files, because a single line does not
/// show whether it is inside a comment.
struct Lines {
    old: Vec<String>,
    new: Vec<String>,
}

impl Lines {
    fn of(pair: &Pair) -> Self {
        let colours = |text: &str| {
            if has_extension(&pair.name, "rs") {
                colour::rust(text)
            } else {
                text.lines().map(escape).collect()
            }
        };
        Self { old: colours(&pair.old), new: colours(&pair.new) }
    }

    /// One line of the diff; indices count from 0.
    fn show(
        &self,
        tag: ChangeTag,
        old: Option<usize>,
        new: Option<usize>,
    ) -> String {
        let (class, mark, line) = match tag {
            ChangeTag::Delete => ("del", '-', old.map(|i| self.old.get(i))),
            ChangeTag::Insert => ("add", '+', new.map(|i| self.new.get(i))),
            ChangeTag::Equal => ("same", ' ', new.map(|i| self.new.get(i))),
        };
        let line = line.flatten().map(String::as_str).unwrap_or_default();
        format!("<span class=\"{class}\">{mark}{line}\n</span>")
    }
}
