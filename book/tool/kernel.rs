//! Checks the facts about an option against what the tests observed.

use crate::facts::{Facts, Target};
use crate::snapshot::without_header;
use crate::workspace::Workspace;

/// The facts that a snapshot contradicts, as messages.
pub fn check(
    facts: &Facts,
    workspace: &Workspace,
    stages: &[String],
) -> Vec<String> {
    let mut wrong = Vec::new();
    for stage in stages {
        let Some(value) = facts.value(stage, stages) else {
            wrong.push(format!("`untouched` must give the value in {stage}"));
            continue;
        };
        wrong.extend(choice(facts, stage, value, workspace).err());
    }
    for stage in stages {
        wrong.extend(inherited(facts, stage, workspace).err());
    }
    wrong
}

/// Compares the value for one stage with the value in its server.
fn choice(
    facts: &Facts,
    stage: &str,
    value: &str,
    workspace: &Workspace,
) -> Result<(), String> {
    let file = format!("tests/snapshots/{stage}/kernel.snap");
    let table = table(workspace, &file);
    let Some(name) = &facts.row else {
        return match table.and_then(|table| row(&table, &facts.name)) {
            Some(_) => {
                Err(format!("{file} has this option: name its row in `row`"))
            }
            None => Ok(()),
        };
    };
    let table = table.ok_or(format!("cannot read {file}"))?;
    let cells = row(&table, name)
        .ok_or(format!("{file} has no row {name}, but `row` names it"))?;
    // The last column is the accepted connection, the others are listeners.
    let (accepted, listeners) =
        cells.split_last().ok_or(format!("{file}: {name} has no value"))?;
    let passed_on = facts.inherited().is_some_and(|yes| yes);
    let mut seen: Vec<&String> = Vec::new();
    if !matches!(facts.on, Target::Connection) {
        seen.extend(listeners);
    }
    if !matches!(facts.on, Target::Listener) || passed_on {
        seen.push(accepted);
    }
    // The test writes a dash where an option does not apply.
    seen.retain(|cell| *cell != "-");
    match seen.iter().find(|cell| **cell != value) {
        Some(cell) => Err(format!(
            "the value for {stage} is \"{value}\", but {file} has \"{cell}\""
        )),
        None if seen.is_empty() => Err(format!("{file}: {name} has no value")),
        None => Ok(()),
    }
}

/// Compares `inherited` with the output of the lab `inheritance`.
fn inherited(
    facts: &Facts,
    stage: &str,
    workspace: &Workspace,
) -> Result<(), String> {
    let file = format!("tests/snapshots/{stage}/lab-inheritance.snap");
    let Some(table) = table(workspace, &file) else { return Ok(()) };
    let name = facts.row.as_ref().unwrap_or(&facts.name);
    let Some(seen) = row(&table, name).and_then(|mut row| row.pop()) else {
        return Ok(());
    };
    let said = match facts.inherited() {
        Some(true) => "yes",
        Some(false) => "no",
        None => "neither yes nor no",
    };
    if said == seen {
        return Ok(());
    }
    Err(format!("`inherited` says \"{said}\", but {file} has \"{seen}\""))
}

/// The lines of a snapshot, or `None` if it does not exist.
fn table(workspace: &Workspace, file: &str) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(workspace.root.join(file)).ok()?;
    Some(without_header(&text)?.lines().map(str::to_string).collect())
}

/// The cells after the name of a row. At least two spaces separate them; a cell
/// such as `60 s` contains single spaces only.
fn row(table: &[String], name: &str) -> Option<Vec<String>> {
    let cells = |line: &String| -> Vec<String> {
        let cells = line.split("  ").map(str::trim);
        cells.filter(|cell| !cell.is_empty()).map(str::to_string).collect()
    };
    let mut rows = table.iter().map(cells);
    let found = rows.find(|row| row.first().is_some_and(|n| n == name))?;
    Some(found.into_iter().skip(1).collect())
}
