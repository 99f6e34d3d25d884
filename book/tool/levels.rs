//! The levels of `cargo judge`, for the page about it.

use std::fmt::Write;

use serde::Deserialize;

use crate::library::Library;

const FILE: &str = "tests/judge/levels.toml";

#[derive(Deserialize)]
struct Table {
    level: Vec<Level>,
}

#[derive(Deserialize)]
struct Level {
    title: String,
    says: String,
    chapter: String,
}

/// The table, each title with a link to the chapter to read.
///
/// # Errors
/// If the file can't be read.
pub fn table(library: &Library) -> Result<String, String> {
    let table: Table = toml::from_str(&library.read(FILE)?)
        .map_err(|error| format!("{FILE}: {error}"))?;
    let mut text =
        "| | level | what it asks for |\n| --- | --- | --- |\n".to_owned();
    for (index, level) in table.level.iter().enumerate() {
        let Level { title, says, chapter } = level;
        let number = index + 1;
        let _ = writeln!(text, "| {number} | [{title}]({chapter}) | {says} |");
    }
    Ok(text)
}
