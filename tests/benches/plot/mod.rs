//! A scenario's results as a drawing.
//!
//! It has a single colour, the text's, so that it works on light and dark
//! pages: shapes and labels distinguish the servers.

mod dots;
mod lines;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::measure::Row;
use crate::scenario::Scenario;

/// The drawing area.
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// An error of plotters; only its text is useful.
type Drawn = Result<(), Box<dyn std::error::Error>>;

/// The width of every drawing, in pixels.
const WIDTH: u32 = 760;

/// Draws the rows that have figures. `run` identifies the run, so that a reader
/// can tell whether a drawing and a table belong together.
///
/// # Errors
/// If there are none.
pub fn draw(
    scenario: &Scenario,
    run: &str,
    rows: &[Row],
) -> Result<String, String> {
    let rows: Vec<&Row> = rows.iter().filter(|r| r.error.is_none()).collect();
    if rows.is_empty() {
        return Err("nothing to draw".into());
    }
    let mut svg = String::new();
    let drawn = if lines::fit(&rows) {
        lines::draw(&mut svg, scenario.unit, &rows)
    } else {
        dots::draw(&mut svg, scenario.unit, &rows)
    };
    drawn.map_err(|why| why.to_string())?;
    Ok(finish(&svg, scenario, run))
}

/// Gives the drawing a title and the colour of the surrounding text. On its own
/// it follows the reader's choice of light or dark.
fn finish(svg: &str, scenario: &Scenario, run: &str) -> String {
    let style = "<style>.plot{color:#222}\
        @media(prefers-color-scheme:dark){.plot{color:#ddd}}</style>";
    let title = format!("{}: {}", scenario.title, scenario.unit);
    svg.replace("#000000", "currentColor")
        .replacen("<svg ", "<svg class=\"plot\" role=\"img\" ", 1)
        .replacen(
            ">\n",
            &format!(
                ">\n<title>{title}</title>\n<desc>{run}</desc>\n{style}\n"
            ),
            1,
        )
}

/// The shape for a kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Floor,
    Stage,
    Peer,
}

fn kind(server: &str) -> Kind {
    match server {
        crate::contender::FLOOR => Kind::Floor,
        name if name.starts_with("stage") => Kind::Stage,
        _ => Kind::Peer,
    }
}

/// A filled circle for a stage, a cross for the floor, a triangle for a peer.
fn mark(area: &Area, at: (i32, i32), server: &str) -> Drawn {
    match kind(server) {
        Kind::Stage => area.draw(&Circle::new(at, 5, BLACK.filled()))?,
        Kind::Floor => {
            area.draw(&Cross::new(at, 5, BLACK.stroke_width(2)))?;
        }
        Kind::Peer => {
            area.draw(&TriangleMarker::new(at, 6, BLACK.stroke_width(2)))?;
        }
    }
    Ok(())
}

/// Text beside `at`, vertically centred.
fn words(area: &Area, text: &str, at: (i32, i32), side: HPos) -> Drawn {
    let style = ("sans-serif", 13)
        .into_text_style(area)
        .pos(Pos::new(side, VPos::Center));
    area.draw_text(text, &style, at)?;
    Ok(())
}
