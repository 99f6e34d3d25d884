//! A scenario's results as a file: first lines `# name: value`, then a
//! comma-separated table.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::measure::Row;
use crate::scenario::Scenario;

/// The names of the columns.
pub const COLUMNS: &str =
    "case,server,median,low,high,to_floor,answers_per_s,rounds,note";

/// The text of the file. `machine` describes the machine and the time.
#[must_use]
pub fn write(
    scenario: &Scenario,
    machine: &[(&str, String)],
    rows: &[Row],
) -> String {
    let mut text = String::new();
    let head = [
        ("scenario", scenario.name.to_owned()),
        ("title", scenario.title.to_owned()),
        ("unit", scenario.unit.to_owned()),
    ];
    for (name, value) in head.iter().chain(machine) {
        let value = value.replace('\n', " ");
        let _ = writeln!(text, "# {name}: {value}");
    }
    let _ = writeln!(text, "{COLUMNS}");
    for row in rows {
        let _ = writeln!(text, "{}", line(row));
    }
    text
}

fn line(row: &Row) -> String {
    let figure = |value: f64| match row.error {
        None => format!("{value:.3}"),
        Some(_) => String::new(),
    };
    let or_empty = |value: Option<f64>, digits: usize| {
        value.map_or(String::new(), |value| format!("{value:.digits$}"))
    };
    let note = match &row.error {
        Some(why) => format!("FAILED: {why}"),
        None => row.note.clone(),
    };
    [
        field(&row.case),
        field(&row.server),
        figure(row.median),
        figure(row.low),
        figure(row.high),
        or_empty(row.ratio, 3),
        or_empty(row.rate, 0),
        row.rounds.to_string(),
        field(&note),
    ]
    .join(",")
}

/// Quoted where RFC 4180 section 2 requires it.
fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// Writes a file, and creates its directories.
///
/// # Errors
/// As open(2), write(2), with the path.
pub fn save(path: &Path, text: &str) -> Result<(), String> {
    let written = path
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(path, text));
    written.map_err(|e| format!("cannot write {}: {e}", path.display()))
}
