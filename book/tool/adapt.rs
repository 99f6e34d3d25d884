//! Adapts mdBook's HTML to narrow screens.
//!
//! On a phone, the style sheet turns each table row into a block of lines, so
//! each cell needs the name of its column. Short pieces of code must not break
//! in the middle, and CSS can't tell them from long ones.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// The longest code that stays on one line, in characters.
const SHORT: usize = 24;

/// Adapts all pages below `folder`.
///
/// # Errors
///
/// A page can't be read or written.
pub fn pages(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            pages(&path)?;
        } else if path.extension().is_some_and(|e| e == "html") {
            let name = path.display();
            let text = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {name}"))?;
            fs::write(&path, page(&text))
                .with_context(|| format!("cannot write {name}"))?;
        }
    }
    Ok(())
}

fn page(html: &str) -> String {
    between(&short_code(html), "<table>", "</table>", label)
}

/// Replaces the text between each pair of tags.
fn between(
    html: &str,
    start: &str,
    end: &str,
    change: impl Fn(&str) -> String,
) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, inside)) = rest.split_once(start) {
        let Some((inside, after)) = inside.split_once(end) else { break };
        out.push_str(before);
        out.push_str(start);
        out.push_str(&change(inside));
        out.push_str(end);
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Labels each table cell with the head of its column.
fn label(table: &str) -> String {
    let mut heads = Vec::new();
    let cells = table.split("<th").skip(1);
    for part in cells.filter(|part| !part.starts_with("ead")) {
        let text = part.split_once('>').map_or("", |(_, text)| text);
        let text = text.split("</th>").next().unwrap_or("");
        heads.push(without_tags(text));
    }
    let mut rows = table.split("<tr>");
    let mut out = rows.next().unwrap_or("").to_string();
    for row in rows {
        out.push_str("<tr>");
        let mut cells = row.split("<td");
        out.push_str(cells.next().unwrap_or(""));
        for (number, cell) in cells.enumerate() {
            let head = heads.get(number).map_or("", String::as_str);
            if head.is_empty() {
                out.push_str("<td");
            } else {
                let _ = write!(out, "<td data-label=\"{head}\"");
            }
            out.push_str(cell);
        }
    }
    out
}

fn without_tags(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            '"' => text.push_str("&quot;"),
            c if !inside => text.push(c),
            _ => {}
        }
    }
    text
}

/// Marks short inline code. Blocks already have a class, or several lines.
fn short_code(html: &str) -> String {
    let mut parts = html.split("<code>");
    let mut out = parts.next().unwrap_or("").to_string();
    for part in parts {
        let code = part.split("</code>").next().unwrap_or("");
        let short = code.chars().count() <= SHORT && !code.contains('\n');
        out.push_str(if short { "<code class=\"short\">" } else { "<code>" });
        out.push_str(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::page;

    #[test]
    fn a_cell_has_the_name_of_its_column() {
        let html = "<table><thead><tr><th>a <b>b</b></th>\
                    <th style=\"x\">c</th></tr></thead><tbody>\
                    <tr><td>1</td><td style=\"x\">2</td></tr></tbody></table>";
        let adapted = page(html);
        assert!(adapted.contains("<td data-label=\"a b\">1"), "{adapted}");
        assert!(
            adapted.contains("<td data-label=\"c\" style=\"x\">2"),
            "{adapted}"
        );
    }

    #[test]
    fn only_short_code_stays_on_one_line() {
        let html = "<code>--min-rate</code><code>a very long piece of \
                    code, indeed</code><code>two\nlines</code>";
        let adapted = page(html);
        assert_eq!(adapted.matches("class=\"short\"").count(), 1, "{adapted}");
    }
}
