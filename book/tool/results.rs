//! Shows the results that `cargo bench -p conversations -- --publish` writes to
//! `book/src/bench`: a table and a plot for each scenario.

use std::fmt::Write;

use crate::csv::fields;
use crate::html::{escape, to_root};
use crate::library::Library;

/// The columns that a table must have.
const COLUMNS: &str =
    "case,server,median,low,high,to_floor,answers_per_s,rounds,note";

/// A scenario's results.
#[derive(Debug)]
struct Results {
    name: String,
    /// The lines `# name: value`.
    head: Vec<(String, String)>,
    rows: Vec<Row>,
}

/// One server in one case. The figures are text: they are shown as they are.
#[derive(Debug)]
struct Row {
    case: String,
    server: String,
    median: String,
    low: String,
    high: String,
    to_floor: String,
    rate: String,
    note: String,
}

/// The table for `{{#bench NAME}}`.
///
/// # Errors
///
/// The results don't exist, or name a stage that no longer exists.
pub fn table(
    name: &str,
    page: &str,
    library: &Library,
) -> Result<String, String> {
    let results = Results::read(name, library)?;
    let cases: Vec<_> =
        results.rows.chunk_by(|a, b| a.case == b.case).collect();
    let noted = results.rows.iter().any(|row| !row.note.is_empty());
    let body = match cases.as_slice() {
        [_, _, ..] if !noted => side_by_side(&cases),
        _ => one_below_the_other(&results.rows),
    };
    Ok(format!("{body}\n{}\n", results.origin(page)))
}

/// The plot for `{{#plot NAME}}`, inline, so that it uses the colours of the
/// theme.
///
/// # Errors
///
/// The plot does not exist, or there is no table from the same run.
pub fn plot(name: &str, library: &Library) -> Result<String, String> {
    let results = Results::read(name, library)?;
    let file = format!("book/src/bench/{name}.svg");
    let svg = library.read(&file)?;
    let date = between(&svg, "<desc>", "</desc>").unwrap_or_default();
    let wanted = results.value("date");
    if date != wanted {
        return Err(format!(
            "{file} is from `{date}`, but its table is from `{wanted}`"
        ));
    }
    // The page's style sheet replaces this style. A blank line would end the
    // HTML.
    let style = between(&svg, "<style>", "</style>").unwrap_or_default();
    let drawing =
        svg.replace(&format!("<style>{style}</style>"), "").replace('\n', " ");
    let title = escape(results.value("title"));
    Ok(format!(
        "<figure class=\"diagram\">{drawing}\
         <figcaption>{title}</figcaption></figure>"
    ))
}

impl Results {
    fn read(name: &str, library: &Library) -> Result<Self, String> {
        let file = format!("book/src/bench/{name}.csv");
        let text = library.read(&file)?;
        let head = text.lines().map_while(|line| line.strip_prefix("# "));
        let head: Vec<_> = head
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect();
        let mut lines =
            (1..).zip(text.lines()).skip_while(|(_, l)| l.starts_with('#'));
        if lines.next().is_none_or(|(_, line)| line != COLUMNS) {
            return Err(format!("{file}: the columns must be `{COLUMNS}`"));
        }
        let mut rows = Vec::new();
        for (number, line) in lines {
            let row = Row::read(line);
            let row = row.map_err(|why| format!("{file}:{number}: {why}"))?;
            let stage = row.server.starts_with("stage");
            if stage && !library.stages.contains(&row.server) {
                let server = &row.server;
                return Err(format!("{file}: there is no stage {server}"));
            }
            rows.push(row);
        }
        if rows.is_empty() {
            return Err(format!("{file} has no results"));
        }
        Ok(Self { name: name.to_string(), head, rows })
    }

    fn value(&self, name: &str) -> &str {
        let found = self.head.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// The line below the table: unit, machine and date.
    fn origin(&self, page: &str) -> String {
        let value = |name| escape(self.value(name));
        format!(
            "<p class=\"origin\">{}. {}: {}; {}, {}; load by {}; commit {}, {} \
             (<a href=\"{}bench/{}.csv\">{}.csv</a>)</p>\n",
            value("title"),
            value("unit"),
            value("machine"),
            value("kernel"),
            value("congestion control"),
            value("load"),
            value("commit"),
            value("date"),
            to_root(page),
            self.name,
            self.name,
        )
    }
}

impl Row {
    fn read(line: &str) -> Result<Self, String> {
        let fields = fields(line);
        let [case, server, median, low, high, to_floor, rate, _, note] =
            fields.try_into().map_err(|fields: Vec<_>| {
                format!("expected 9 fields, found {}", fields.len())
            })?;
        if median.parse::<f64>().is_err() {
            return Err(format!("no result for {server}: {note}"));
        }
        Ok(Self { case, server, median, low, high, to_floor, rate, note })
    }

    /// The median, and its ratio to the floor.
    fn figure(&self) -> String {
        match self.to_floor.parse::<f64>() {
            Ok(ratio) => format!("{} ({ratio:.1}×)", short(&self.median)),
            Err(_) => short(&self.median),
        }
    }
}

/// A table with a row per server and a column per case.
fn side_by_side(cases: &[&[Row]]) -> String {
    let mut table = String::from("| |");
    for row in cases.iter().filter_map(|case| case.first()) {
        let _ = write!(table, " {} |", cell(&row.case));
    }
    let _ = write!(table, "\n| --- |{}", " ---: |".repeat(cases.len()));
    let mut servers: Vec<&str> = Vec::new();
    for row in cases.iter().copied().flatten() {
        if !servers.contains(&row.server.as_str()) {
            servers.push(&row.server);
        }
    }
    for server in servers {
        let _ = write!(table, "\n| {} |", cell(server));
        for case in cases {
            let row = case.iter().find(|row| row.server == server);
            let figure = row.map_or("–".to_string(), Row::figure);
            let _ = write!(table, " {figure} |");
        }
    }
    table.push('\n');
    table
}

/// A column's name, its alignment, and the text of a cell.
type Column<'a> = (&'a str, &'a str, &'a dyn Fn(&Row) -> String);

/// A table with a row per result and all its details. Empty columns are left
/// out.
fn one_below_the_other(rows: &[Row]) -> String {
    // A single measurement has no range.
    let spread = |row: &Row| match (short(&row.low), short(&row.high)) {
        (low, high) if low == high => String::new(),
        (low, high) => format!("{low} to {high}"),
    };
    let ratio = |row: &Row| match row.to_floor.parse::<f64>() {
        Ok(ratio) => format!("{ratio:.2}"),
        Err(_) => String::new(),
    };
    let columns: [Column; 7] = [
        ("", "---", &|row| cell(&row.case)),
        ("server", "---", &|row| cell(&row.server)),
        ("median", "---:", &|row| short(&row.median)),
        ("range", "---:", &spread),
        ("ratio to floor", "---:", &ratio),
        ("responses/s", "---:", &|row| row.rate.clone()),
        ("note", "---", &|row| cell(&row.note)),
    ];
    let used: Vec<_> = columns
        .iter()
        .filter(|(.., text)| rows.iter().any(|row| !text(row).is_empty()))
        .collect();
    let mut table = String::from("|");
    for (name, ..) in &used {
        let _ = write!(table, " {name} |");
    }
    table.push_str("\n|");
    for (_, rule, _) in &used {
        let _ = write!(table, " {rule} |");
    }
    for row in rows {
        table.push_str("\n|");
        for (.., text) in &used {
            let _ = write!(table, " {} |", text(row));
        }
    }
    table.push('\n');
    table
}

/// Rounds to three significant digits, as the bench does.
fn short(figure: &str) -> String {
    match figure.parse::<f64>() {
        Ok(value) if value.abs() >= 100.0 => format!("{value:.0}"),
        Ok(value) if value.abs() >= 10.0 => format!("{value:.1}"),
        Ok(value) => format!("{value:.2}"),
        Err(_) => String::new(),
    }
}

fn cell(text: &str) -> String {
    escape(text).replace('|', "\\|")
}

/// The text between two marks, if both exist.
fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    Some(text.split_once(from)?.1.split_once(to)?.0)
}
