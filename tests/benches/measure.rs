//! Runs the servers in turn, and collects the results.
//!
//! The servers take turns within each round: floor, a, b, floor, a, b. So other
//! activity of the machine affects all of them alike, and the ratio of two
//! neighbours is steadier than either figure.

use crate::contender::{Contender, FLOOR};
use crate::progress::Progress;
use crate::scenario::{Bench, Figure, Scenario};

/// One line of a table: a server in one case.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Row {
    /// The scenario's case; empty if there is only one.
    pub case: String,
    /// The server.
    pub server: String,
    /// The median of the rounds, in the scenario's unit.
    pub median: f64,
    /// The minimum.
    pub low: f64,
    /// The maximum.
    pub high: f64,
    /// The median of the ratios to the floor, each within its round.
    pub ratio: Option<f64>,
    /// Requests per second, the median.
    pub rate: Option<f64>,
    /// Number of rounds.
    pub rounds: usize,
    /// The components of the median; may be empty.
    pub note: String,
    /// Why there are no figures.
    pub error: Option<String>,
}

/// The median; 0 for no values.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = sorted.len() / 2;
    match (sorted.len() % 2, sorted.as_slice()) {
        (_, []) => 0.0,
        (0, sorted) => f64::midpoint(sorted[upper - 1], sorted[upper]),
        (_, sorted) => sorted[upper],
    }
}

/// Runs all rounds of one scenario. The rows are ordered by case, and within a
/// case by server.
pub fn measure(
    scenario: &Scenario,
    contenders: &[Contender],
    rounds: usize,
    bench: &Bench,
    progress: &mut Progress,
) -> Vec<Row> {
    let mut rows = Vec::new();
    let rounds = rounds.min(scenario.rounds);
    let takes_part = |c: &&Contender| (scenario.who)(c);
    let contenders: Vec<_> = contenders.iter().filter(takes_part).collect();
    for step in scenario.steps {
        let mut results = Results::default();
        for round in 0..rounds {
            for contender in &contenders {
                let name = &contender.name;
                if results.failures.iter().any(|(failed, _)| failed == name) {
                    continue;
                }
                progress.now(scenario.name, *step, name, round + 1, rounds);
                match (scenario.run)(contender, *step, bench) {
                    Ok(figures) => results.add(name, round, figures),
                    // One wrong response ends the measurement of a server.
                    Err(why) => results.failures.push((name.clone(), why)),
                }
            }
        }
        let names: Vec<_> =
            contenders.iter().map(|c| c.name.as_str()).collect();
        rows.extend(results.rows(&names));
    }
    rows
}

/// The results of one step.
#[derive(Debug, Default)]
struct Results {
    figures: Vec<Entry>,
    failures: Vec<(String, String)>,
}

#[derive(Debug)]
struct Entry {
    server: String,
    round: usize,
    figure: Figure,
}

impl Results {
    fn add(&mut self, name: &str, round: usize, figures: Vec<Figure>) {
        let entry = |figure| Entry { server: name.into(), round, figure };
        self.figures.extend(figures.into_iter().map(entry));
    }

    fn rows(&self, names: &[&str]) -> Vec<Row> {
        let mut cases: Vec<&str> = Vec::new();
        for entry in &self.figures {
            if !cases.contains(&entry.figure.case.as_str()) {
                cases.push(&entry.figure.case);
            }
        }
        if cases.is_empty() {
            cases.push("");
        }
        let mut rows = Vec::new();
        for case in cases {
            for name in names {
                rows.extend(self.row(case, name));
            }
        }
        rows
    }

    /// `None` for a server that has neither figures nor a failure: it was not
    /// measured.
    fn row(&self, case: &str, name: &str) -> Option<Row> {
        let failure = self.failures.iter().find(|(failed, _)| failed == name);
        let mut row = Row {
            case: case.to_owned(),
            server: name.to_owned(),
            ..Row::default()
        };
        if let Some((_, why)) = failure {
            row.error = Some(why.clone());
            return Some(row);
        }
        let own = self.of(case, name);
        let values: Vec<f64> = own.iter().map(|e| e.figure.value).collect();
        if values.is_empty() {
            return None;
        }
        row.rounds = values.len();
        row.median = median(&values);
        row.low = values.iter().copied().fold(f64::INFINITY, f64::min);
        row.high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let rates: Vec<f64> =
            own.iter().filter_map(|entry| entry.figure.rate).collect();
        row.rate = (!rates.is_empty()).then(|| median(&rates));
        let ratios = ratios(&own, &self.of(case, FLOOR));
        row.ratio = (!ratios.is_empty()).then(|| median(&ratios));
        row.note = own.first().map_or(String::new(), |e| e.figure.note.clone());
        Some(row)
    }

    fn of(&self, case: &str, name: &str) -> Vec<&Entry> {
        let wanted = |e: &&Entry| e.server == name && e.figure.case == case;
        self.figures.iter().filter(wanted).collect()
    }
}

/// Each figure divided by the floor's of the same round.
fn ratios(own: &[&Entry], floor: &[&Entry]) -> Vec<f64> {
    own.iter()
        .filter_map(|entry| {
            let same = |other: &&&Entry| other.round == entry.round;
            let below = floor.iter().find(same)?.figure.value;
            (below > 0.0).then(|| entry.figure.value / below)
        })
        .collect()
}
