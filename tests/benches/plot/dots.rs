//! One line per server: a mark at the median, and a bar from the minimum to the
//! maximum. Each case has its own axis.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::{Area, Drawn, WIDTH, mark, words};
use crate::measure::Row;
use crate::table::figure;

/// The height of a server's line, in pixels.
const LINE: u32 = 24;

/// Space for the name of a case and for the axis.
const AROUND: u32 = 66;

/// Space for the servers' names.
const NAMES: u32 = 140;

/// The next panel begins where the case changes.
pub fn draw(svg: &mut String, unit: &str, rows: &[&Row]) -> Drawn {
    let panels: Vec<&[&Row]> = rows.chunk_by(|a, b| a.case == b.case).collect();
    let height = |panel: &[&Row]| {
        u32::try_from(panel.len()).unwrap_or(0) * LINE + AROUND
    };
    let all = panels.iter().map(|panel| height(panel)).sum();
    let backend = SVGBackend::with_string(svg, (WIDTH, all));
    let mut rest = backend.into_drawing_area();
    for panel in panels {
        let (area, below) = rest.split_vertically(height(panel));
        draw_panel(&area, unit, panel)?;
        rest = below;
    }
    rest.present()?;
    Ok(())
}

fn draw_panel(area: &Area, unit: &str, rows: &[&Row]) -> Drawn {
    let count = rows.len() as f64;
    let most = rows.iter().map(|row| row.high).fold(0.0, f64::max);
    // The figures are to the right of the bars.
    let end = if most > 0.0 { most * 1.3 } else { 1.0 };
    let mut chart = ChartBuilder::on(area)
        .margin_top(24)
        .margin_right(10)
        .margin_left(NAMES)
        .x_label_area_size(40)
        .build_cartesian_2d(0.0..end, 0.0..count)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .bold_line_style(BLACK.mix(0.15))
        .light_line_style(TRANSPARENT)
        .axis_style(BLACK.mix(0.6))
        .label_style(("sans-serif", 12))
        .x_labels(6)
        .x_label_formatter(&|value| format!("{value}"))
        .x_desc(unit)
        .draw()?;
    if let Some(row) = rows.first() {
        words(area, &row.case, (4, 12), HPos::Left)?;
    }
    let (left, top) = area.get_base_pixel();
    let pixel = |value: f64, line: f64| {
        let (x, y) = chart.backend_coord(&(value.max(0.0), line));
        (x - left, y - top)
    };
    for (at, row) in rows.iter().enumerate() {
        let line = count - at as f64 - 0.5;
        let (low, high) = (pixel(row.low, line), pixel(row.high, line));
        area.draw(&PathElement::new([low, high], BLACK.stroke_width(2)))?;
        mark(area, pixel(row.median, line), &row.server)?;
        let name = (pixel(0.0, line).0 - 10, low.1);
        words(area, &row.server, name, HPos::Right)?;
        let text = match row.ratio {
            Some(ratio) => format!("{} ({ratio:.1}×)", figure(row.median)),
            None => figure(row.median),
        };
        words(area, &text, (high.0 + 12, high.1), HPos::Left)?;
    }
    Ok(())
}
