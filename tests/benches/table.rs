//! A scenario's table on standard output.

use std::fmt::Write as _;

use crate::measure::Row;
use crate::scenario::Scenario;

/// The table, with title and unit.
#[must_use]
pub fn show(scenario: &Scenario, rows: &[Row]) -> String {
    let mut text = format!("\n{}\n", scenario.title);
    let _ = writeln!(
        text,
        "{:<20} {:>12} {:>18} {:>9} {:>10}",
        scenario.unit, "median", "min to max", "to floor", "requests/s"
    );
    let mut case = "";
    for row in rows {
        if row.case != case {
            case = &row.case;
            let _ = writeln!(text, "  {case}");
        }
        text += &line(row);
    }
    text
}

fn line(row: &Row) -> String {
    if let Some(why) = &row.error {
        return format!("{:<20} FAILED: {why}\n", row.server);
    }
    let spread = format!("{} to {}", figure(row.low), figure(row.high));
    let ratio = row.ratio.map_or(String::new(), |r| format!("{r:.2}"));
    let rate = row.rate.map_or(String::new(), |r| format!("{r:.0}"));
    let mut text = format!(
        "{:<20} {:>12} {spread:>18} {ratio:>9} {rate:>10}\n",
        row.server,
        figure(row.median)
    );
    if !row.note.is_empty() {
        let _ = writeln!(text, "    {}", row.note);
    }
    text
}

/// Three significant digits.
#[must_use]
pub fn figure(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
