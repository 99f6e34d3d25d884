//! Writes the results: `NAME.csv` and `NAME.svg` for each scenario.

use std::path::Path;

use crate::csv;
use crate::measure::Row;
use crate::plot;
use crate::scenario::Scenario;

/// A measured scenario.
#[derive(Debug)]
pub struct Outcome {
    /// The scenario.
    pub scenario: &'static Scenario,
    /// Its results.
    pub rows: Vec<Row>,
}

/// Writes the tables, and plots for those that have figures.
///
/// # Errors
/// If a file can't be written or a plot can't be drawn.
pub fn write(
    folder: &Path,
    machine: &[(&str, String)],
    results: &[Outcome],
) -> Result<(), String> {
    let date = machine.iter().find(|(name, _)| *name == "date");
    let run = date.map_or("", |(_, date)| date.as_str());
    for Outcome { scenario, rows } in results {
        let name = scenario.name;
        let table = csv::write(scenario, machine, rows);
        csv::save(&folder.join(format!("{name}.csv")), &table)?;
        if rows.iter().any(|row| row.error.is_none()) {
            let drawing = plot::draw(scenario, run, rows)
                .map_err(|why| format!("the plot of {name}: {why}"))?;
            csv::save(&folder.join(format!("{name}.svg")), &drawing)?;
        }
    }
    Ok(())
}
