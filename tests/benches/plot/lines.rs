//! For cases that are numbers: they are the x-axis, and each server is a line
//! with its name at the right end.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::{Area, Drawn, WIDTH, mark, words};
use crate::measure::Row;
use crate::table::figure;

const HEIGHT: u32 = 440;

/// Space for the names at the right, in pixels.
const NAMES: u32 = 230;

/// Minimum distance of two names, in pixels.
const APART: i32 = 17;

/// Parses a case such as `1000 idle`.
fn number(case: &str) -> Option<f64> {
    case.split_once(' ')?.0.parse().ok()
}

/// The thing counted.
fn counted(case: &str) -> &str {
    case.split_once(' ').map_or("", |(_, what)| what)
}

/// Whether the cases are at least three numbers of the same thing.
pub fn fit(rows: &[&Row]) -> bool {
    let Some(first) = rows.first() else { return false };
    let cases = rows.chunk_by(|a, b| a.case == b.case).count();
    let same = |row: &&Row| {
        number(&row.case).is_some()
            && counted(&row.case) == counted(&first.case)
    };
    cases >= 3 && rows.iter().all(same)
}

/// A server's line through the cases.
struct Line<'a> {
    server: &'a str,
    points: Vec<(f64, f64)>,
}

fn lines<'a>(rows: &[&'a Row]) -> Vec<Line<'a>> {
    let mut lines: Vec<Line> = Vec::new();
    for row in rows {
        let point = (number(&row.case).unwrap_or(0.0), row.median);
        let known = lines.iter_mut().find(|line| line.server == row.server);
        if let Some(line) = known {
            line.points.push(point);
        } else {
            let (server, points) = (row.server.as_str(), vec![point]);
            lines.push(Line { server, points });
        }
    }
    lines
}

pub fn draw(svg: &mut String, unit: &str, rows: &[&Row]) -> Drawn {
    let lines = lines(rows);
    let points = || lines.iter().flat_map(|line| &line.points);
    let right = points().map(|point| point.0).fold(1.0, f64::max);
    let top = points().map(|point| point.1).fold(0.0, f64::max) * 1.05;
    let backend = SVGBackend::with_string(svg, (WIDTH, HEIGHT));
    let area = backend.into_drawing_area();
    let mut chart = ChartBuilder::on(&area)
        .margin_top(14)
        .margin_right(NAMES)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..right, 0.0..top)?;
    let what = rows.first().map_or("", |row| counted(&row.case));
    chart
        .configure_mesh()
        .bold_line_style(BLACK.mix(0.15))
        .light_line_style(TRANSPARENT)
        .axis_style(BLACK.mix(0.6))
        .label_style(("sans-serif", 12))
        .x_labels(6)
        .y_labels(8)
        .x_label_formatter(&|value| format!("{value}"))
        .y_label_formatter(&|value| format!("{value}"))
        .x_desc(format!("{what} connections"))
        .y_desc(unit)
        .draw()?;
    let mut ends = Vec::new();
    for line in &lines {
        let pixels: Vec<(i32, i32)> =
            line.points.iter().map(|p| chart.backend_coord(p)).collect();
        let path = PathElement::new(pixels.clone(), BLACK.mix(0.7));
        area.draw(&path)?;
        for pixel in &pixels {
            mark(&area, *pixel, line.server)?;
        }
        if let (Some(end), Some(last)) = (pixels.last(), line.points.last()) {
            ends.push((*end, line.server, figure(last.1)));
        }
    }
    name_ends(&area, ends)?;
    area.present()?;
    Ok(())
}

/// Writes the names where the lines end. Names too close together are moved
/// apart and connected by a stroke.
fn name_ends(area: &Area, mut ends: Vec<((i32, i32), &str, String)>) -> Drawn {
    ends.sort_by_key(|((_, y), ..)| std::cmp::Reverse(*y));
    let mut lowest = i32::MAX;
    for ((x, y), server, value) in ends {
        let height = y.min(lowest);
        lowest = height - APART;
        let stroke = [(x + 8, y), (x + 26, height)];
        area.draw(&PathElement::new(stroke, BLACK.mix(0.4)))?;
        let text = format!("{server}: {value}");
        words(area, &text, (x + 30, height), HPos::Left)?;
    }
    Ok(())
}
