//! What is printed: one screen.

use std::fmt::Write as _;

use crate::grade::Graded;
use crate::levels::Level;

/// The width of a bar, in characters.
const BAR: usize = 20;

/// So many names of broken promises are printed.
const NAMES: usize = 10;

/// All levels with their promises.
pub fn list(levels: &[Level]) -> String {
    let mut text = String::new();
    for level in levels {
        let _ = writeln!(text, "{:2}  {}", level.number, level.title);
        let _ = writeln!(text, "{}", wrapped(&level.says, "    "));
        for question in &level.questions {
            if !question.again {
                let _ = writeln!(text, "      {}", question.promise.name);
            }
        }
        if level.questions.iter().any(|question| question.again) {
            let _ = writeln!(text, "      all scripts so far, byte by byte");
        }
        text.push('\n');
    }
    text
}

/// The levels with bars, the first broken promise, and what to do next.
pub fn result(line: &str, levels: &[Level], graded: &[Graded]) -> String {
    let mut text = String::new();
    let widest = levels.iter().map(|it| it.title.len()).max().unwrap_or(0);
    for (index, level) in levels.iter().enumerate() {
        let (number, title) = (level.number, &level.title);
        let state = graded.get(index).map_or("-".to_owned(), state);
        let _ = writeln!(text, "{number:2}  {title:widest$}  {state}");
    }
    let first = graded.iter().find_map(|it| Some((it, it.broken().next()?)));
    let Some((failed, (question, why))) = first else {
        let asked: usize = graded.iter().map(|it| it.count().kept).sum();
        let _ = writeln!(text, "\nAll {asked} promises asked for are kept.");
        return text;
    };
    let _ = writeln!(text, "\nThe first broken promise:\n\n{}\n", why.trim());
    let others: Vec<String> =
        failed.broken().skip(1).map(|(question, _)| question.name()).collect();
    if !others.is_empty() {
        let count = others.len();
        let _ = writeln!(text, "{count} more in this level:");
        for name in others.iter().take(NAMES) {
            let _ = writeln!(text, "    {name}");
        }
        if count > NAMES {
            let _ = writeln!(text, "    ...");
        }
        text.push('\n');
    }
    let Level { number, title, says, chapter, labs, .. } = failed.level;
    let _ = writeln!(text, "Level {number}, {title}:");
    let _ = writeln!(text, "{}\n", wrapped(says, "    "));
    let _ = writeln!(text, "    read      book/src/{chapter}");
    for lab in labs {
        if let Some((stage, lab)) = lab.split_once('/') {
            let command = format!("cargo run -p {stage} --example {lab}");
            let _ = writeln!(text, "    try       {command}");
        }
    }
    let (name, line) = (&question.promise.name, quoted(line));
    let _ = writeln!(text, "    repeat    cargo judge --only {name} -- {line}");
    text
}

fn state(graded: &Graded) -> String {
    let count = graded.count();
    let asked = count.kept + count.broken;
    if asked == 0 {
        return format!("{} not asked", count.not_asked);
    }
    // Full only if nothing is broken.
    let full = BAR * count.kept / asked;
    let bar = "#".repeat(full) + &".".repeat(BAR - full);
    let mut text = format!("{bar}  {:3} of {asked}", count.kept);
    if count.not_asked > 0 {
        let _ = write!(text, ", {} not asked", count.not_asked);
    }
    text
}

/// The command line as one word for a shell.
fn quoted(line: &str) -> String {
    format!("'{}'", line.replace('\'', r"'\''"))
}

/// Lines of at most 76 characters.
fn wrapped(text: &str, indent: &str) -> String {
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in text.split_whitespace() {
        if !line.is_empty() && indent.len() + line.len() + word.len() >= 76 {
            lines.push(format!("{indent}{line}"));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(format!("{indent}{line}"));
    lines.join("\n")
}
