//! The table, the CSV and the drawings.

use libtest_mimic::{Failed, Trial};

use super::same;
use crate::csv;
use crate::measure::Row;
use crate::plot;
use crate::scenario::{ALL, Scenario};
use crate::table;

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("csv: head, figures, quotes, failures", csv_text),
        Trial::test("table: figures and failures", table_text),
        Trial::test("plot: a mark and a name for each server", dots),
        Trial::test("plot: numbers of connections as lines", lines),
        Trial::test("plot: nothing to draw", nothing),
    ]
}

fn row(case: &str, server: &str, median: f64) -> Row {
    Row {
        case: case.into(),
        server: server.into(),
        median,
        low: median / 2.0,
        high: median * 2.0,
        rounds: 3,
        ..Row::default()
    }
}

fn failed(server: &str) -> Row {
    let error = Some("got `HTTP/1.1 404`, \"no\"".to_owned());
    Row { server: server.into(), error, ..Row::default() }
}

fn scenario(name: &str) -> Result<&'static Scenario, Failed> {
    let found = ALL.iter().find(|scenario| scenario.name == name);
    found.ok_or_else(|| format!("no scenario {name}").into())
}

fn csv_text() -> Result<(), Failed> {
    let mut good = row("", "stage1-blocking", 8.0);
    good.ratio = Some(1.5);
    good.rate = Some(1234.4);
    good.note = "a 1, b 2".into();
    let head = [("kernel", "Linux 6.1".to_owned())];
    let rows = [good, failed("nginx")];
    let text = csv::write(scenario("keepalive")?, &head, &rows);
    let want = "# scenario: keepalive\n\
        # title: 64 connections, one request after the other, 1 KiB\n\
        # unit: µs CPU a request\n\
        # kernel: Linux 6.1\n\
        case,server,median,low,high,to_floor,answers_per_s,rounds,note\n\
        ,stage1-blocking,8.000,4.000,16.000,1.500,1234,3,\"a 1, b 2\"\n\
        ,nginx,,,,,,0,\"FAILED: got `HTTP/1.1 404`, \"\"no\"\"\"\n";
    same(text.as_str(), want)
}

fn table_text() -> Result<(), Failed> {
    let rows = [row("", "floor", 8.0), failed("nginx")];
    let text = table::show(scenario("keepalive")?, &rows);
    for part in ["8.00", "4.00 to 16.0", "FAILED: got `"] {
        if !text.contains(part) {
            return Err(format!("`{part}` is missing from\n{text}").into());
        }
    }
    Ok(())
}

/// Number of occurrences of each part in the drawing.
fn has(svg: &str, parts: &[(&str, usize)]) -> Result<(), Failed> {
    for (part, times) in parts {
        let found = svg.matches(part).count();
        if found != *times {
            let why = format!("{found} times `{part}`, not {times}:\n{svg}");
            return Err(why.into());
        }
    }
    // A single colour, the text's; every element is closed.
    let opened = svg.matches("<text").count();
    has_ends(svg, "text", opened)?;
    let colours = svg.matches("=\"#").count() - svg.matches("=\"#000").count();
    same(colours, 0)
}

fn has_ends(svg: &str, element: &str, opened: usize) -> Result<(), Failed> {
    same(svg.matches(&format!("</{element}>")).count(), opened)
}

fn dots() -> Result<(), Failed> {
    let rows = [
        row("first", "floor", 5.0),
        row("first", "stage2-poll", 8.0),
        row("second", "stage2-poll", 900.0),
        row("second", "nginx", 950.0),
        failed("lighttpd"),
    ];
    let svg = plot::draw(scenario("slow")?, "today", &rows)?;
    has(
        &svg,
        &[
            ("\nstage2-poll\n", 2),
            ("\nfloor\n", 1),
            ("\nfirst\n", 1),
            ("\n900\n", 1),
            ("lighttpd", 0),
            ("<desc>today</desc>", 1),
            ("<circle", 2),
            ("#000000", 0),
        ],
    )
}

fn lines() -> Result<(), Failed> {
    let mut rows = Vec::new();
    for idle in [0, 100, 1_000] {
        let case = format!("{idle} idle");
        rows.push(row(&case, "stage2-poll", 10.0 + f64::from(idle)));
        rows.push(row(&case, "stage3-epoll-lt", 10.0));
    }
    let svg = plot::draw(scenario("idle")?, "today", &rows)?;
    has(
        &svg,
        &[
            ("\nstage2-poll: 1010\n", 1),
            ("\nstage3-epoll-lt: 10.0\n", 1),
            ("\nidle connections\n", 1),
            ("<circle", 6),
            ("#000000", 0),
        ],
    )
}

fn nothing() -> Result<(), Failed> {
    let drawn = plot::draw(scenario("slow")?, "", &[failed("nginx")]);
    same(drawn.is_err(), true)
}
