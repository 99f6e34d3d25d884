//! The facts on an option, held against what the tests saw the kernel do.

use crate::facts::{Facts, Target};
use crate::snapshot::without_header;
use crate::workspace::Workspace;

/// What `facts` say and a snapshot contradicts, in words.
pub fn check(
    facts: &Facts,
    workspace: &Workspace,
    stages: &[String],
) -> Vec<String> {
    let mut wrong = Vec::new();
    for stage in stages {
        let Some(value) = facts.value(stage, stages) else {
            wrong.push(format!("`untouched` must say what {stage} has"));
            continue;
        };
        wrong.extend(choice(facts, stage, value, workspace).err());
    }
    for stage in stages {
        wrong.extend(inherited(facts, stage, workspace).err());
    }
    wrong
}

/// Compares the value of one stage with what its server has.
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
                Err(format!("{file} has this option; `row` must say so"))
            }
            None => Ok(()),
        };
    };
    let table = table.ok_or(format!("cannot read {file}"))?;
    let cells = row(&table, name)
        .ok_or(format!("{file} has no row {name}, which `row` names"))?;
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
    // Where an option makes no sense, the test writes a dash.
    seen.retain(|cell| *cell != "-");
    match seen.iter().find(|cell| **cell != value) {
        Some(cell) => Err(format!(
            "{stage} is said to have \"{value}\", and {file} has \"{cell}\""
        )),
        None if seen.is_empty() => Err(format!("{file}: {name} has no value")),
        None => Ok(()),
    }
}

/// Compares `inherited` with the lab of that name, in the stage that has it.
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
    Err(format!("`inherited` says \"{said}\", and {file} has \"{seen}\""))
}

/// The lines of a snapshot; none if there is no such snapshot.
fn table(workspace: &Workspace, file: &str) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(workspace.root.join(file)).ok()?;
    Some(without_header(&text)?.lines().map(str::to_string).collect())
}

/// The cells behind the name of a row. Two blanks or more part them; within a
/// cell there is one at most, as in `60 s`.
fn row(table: &[String], name: &str) -> Option<Vec<String>> {
    let cells = |line: &String| -> Vec<String> {
        let cells = line.split("  ").map(str::trim);
        cells.filter(|cell| !cell.is_empty()).map(str::to_string).collect()
    };
    let mut rows = table.iter().map(cells);
    let found = rows.find(|row| row.first().is_some_and(|n| n == name))?;
    Some(found.into_iter().skip(1).collect())
}
