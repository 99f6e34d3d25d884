//! Highlights Rust line by line, with the classes of highlight.js, so that the
//! page's theme sets the colours. The script itself highlights fenced code in
//! the browser, but it would destroy the ids and marks of numbered lines and
//! diff lines.

use crate::html::escape;

const KEYWORDS: &[&str] = &[
    "as", "async", "await", "break", "const", "continue", "crate", "dyn",
    "else", "enum", "extern", "fn", "for", "if", "impl", "in", "let", "loop",
    "match", "mod", "move", "mut", "pub", "ref", "return", "self", "Self",
    "static", "struct", "super", "trait", "type", "unsafe", "use", "where",
    "while",
];

const BUILT_IN: &[&str] = &[
    "bool", "char", "str", "f32", "f64", "i8", "i16", "i32", "i64", "i128",
    "isize", "u8", "u16", "u32", "u64", "u128", "usize", "Box", "Err", "None",
    "Ok", "Option", "Result", "Some", "String", "Vec",
];

/// The lines of a Rust text as HTML. Each line is complete HTML: a comment of
/// three lines becomes three elements.
pub fn rust(text: &str) -> Vec<String> {
    let mut html = String::with_capacity(text.len() * 2);
    let mut rest = text;
    let mut before = "";
    while !rest.is_empty() {
        let (length, class) = token(rest, before);
        let (token, tail) = rest.split_at(length);
        for (number, line) in token.split('\n').enumerate() {
            if number > 0 {
                html.push('\n');
            }
            match class {
                Some(class) if !line.is_empty() => {
                    let line = escape(line);
                    html.push_str("<span class=\"hljs-");
                    html.push_str(class);
                    html.push_str("\">");
                    html.push_str(&line);
                    html.push_str("</span>");
                }
                _ => html.push_str(&escape(line)),
            }
        }
        if !token.trim().is_empty() {
            before = token;
        }
        rest = tail;
    }
    html.lines().map(str::to_string).collect()
}

/// The length in bytes of the first token, never 0, and its class.
fn token(rest: &str, before: &str) -> (usize, Option<&'static str>) {
    let Some(first) = rest.chars().next() else { return (rest.len(), None) };
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), Some("comment"));
    }
    if rest.starts_with("/*") {
        return (block_comment(rest), Some("comment"));
    }
    if rest.starts_with("#[") || rest.starts_with("#![") {
        return (attribute(rest), Some("meta"));
    }
    if let Some(length) = string(rest) {
        return (length, Some("string"));
    }
    if first == '\'' {
        return quote(rest);
    }
    if first.is_ascii_digit() {
        return (word(rest), Some("number"));
    }
    if first.is_alphabetic() || first == '_' {
        let length = word(rest);
        let (name, tail) = rest.split_at(length);
        return (length, class_of(name, tail, before));
    }
    (first.len_utf8(), None)
}

/// The letters, digits and underscores at the start.
fn word(rest: &str) -> usize {
    let end = |c: char| !c.is_alphanumeric() && c != '_';
    rest.find(end).unwrap_or(rest.len())
}

fn class_of(name: &str, tail: &str, before: &str) -> Option<&'static str> {
    let is_macro = tail.starts_with('!') && !tail.starts_with("!=");
    if KEYWORDS.contains(&name) {
        Some("keyword")
    } else if name == "true" || name == "false" {
        Some("literal")
    } else if BUILT_IN.contains(&name) || is_macro {
        Some("built_in")
    } else if ["fn", "struct", "enum", "trait", "mod"].contains(&before) {
        Some("title")
    } else {
        None
    }
}

/// Block comments nest.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while let Some(tail) = rest.get(at..) {
        if tail.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if tail.starts_with("*/") {
            depth -= 1;
            at += 2;
        } else {
            at += tail.chars().next().map_or(1, char::len_utf8);
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// The length up to the bracket that closes the first one.
fn attribute(rest: &str) -> usize {
    let mut depth = 0;
    for (at, c) in rest.char_indices() {
        match c {
            '[' => depth += 1,
            ']' if depth == 1 => return at + 1,
            ']' => depth -= 1,
            _ => {}
        }
    }
    rest.len()
}

/// A string of any kind: `"..."`, `b"..."`, `r#"..."#`.
fn string(rest: &str) -> Option<usize> {
    let tail = rest.trim_start_matches(['b', 'c']);
    let raw = tail.strip_prefix('r');
    let tail = raw.unwrap_or(tail);
    let hashes = tail.len() - tail.trim_start_matches('#').len();
    let tail = tail.trim_start_matches('#').strip_prefix('"')?;
    let start = rest.len() - tail.len();
    // At most `br` may precede the quote, or it is a name before a string.
    if start > hashes + 3 || (hashes > 0 && raw.is_none()) {
        return None;
    }
    if raw.is_some() {
        let close = format!("\"{}", "#".repeat(hashes));
        let end = tail.find(&close).map(|at| start + at + close.len());
        return Some(end.unwrap_or(rest.len()));
    }
    let mut escaped = false;
    for (at, c) in tail.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(start + at + 1),
            _ => {}
        }
    }
    Some(rest.len())
}

/// A character such as `'a'` or `'\n'`, or a lifetime.
fn quote(rest: &str) -> (usize, Option<&'static str>) {
    let inner = rest.get(1..).unwrap_or_default();
    let mut chars = inner.chars();
    match (chars.next(), chars.next()) {
        (Some('\\'), Some(escaped)) => {
            let after = 2 + escaped.len_utf8();
            let tail = rest.get(after..).unwrap_or_default();
            let end = tail.find('\'').map_or(rest.len(), |at| after + at + 1);
            (end, Some("string"))
        }
        (Some(c), Some('\'')) => (c.len_utf8() + 2, Some("string")),
        _ => (1 + word(inner), Some("symbol")),
    }
}
