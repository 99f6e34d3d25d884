//! Turns ASCII drawings into inline SVG. They use the colours of the page's
//! theme, and their text can be searched and read aloud.

use std::fmt::Write;

use svgbob::{CellBuffer, Node, Settings};

use crate::html::escape;

/// svgbob's names for the ends of lines.
const MARKERS: &[&str] =
    &["arrow", "diamond", "circle", "open_circle", "big_open_circle"];

/// The title of a drawing, if the fence is marked `svgbob`.
pub fn title(info: &str) -> Option<&str> {
    let rest = info.trim().strip_prefix("svgbob")?;
    (rest.is_empty() || rest.starts_with(' ')).then_some(rest.trim())
}

/// Draws `text` as one line of SVG, which fits in any place, even a list. The
/// number makes its ids unique on the page.
///
/// # Errors
///
/// The drawing has no title, which readers who can't see it need.
pub fn draw(text: &str, title: &str, number: usize) -> Result<String, String> {
    if title.is_empty() {
        return Err("a drawing needs a title: ```svgbob What it shows".into());
    }
    let settings = Settings {
        include_backdrop: false,
        include_styles: false,
        ..Settings::default()
    };
    let cells = CellBuffer::from(text);
    let (node, width, height): (Node<()>, f32, f32) =
        cells.get_node_with_size(&settings);
    let svg = node.render_to_string().replace('\n', " ");
    let (_, mut inner) = svg
        .split_once('>')
        .map(|(open, inner)| (open, inner.to_string()))
        .ok_or("svgbob drew nothing")?;
    // The style sheet says `marker-end: var(--arrow)`. Each drawing on a page
    // has an arrow of its own, so the variable is set here.
    let mut style = String::new();
    for marker in MARKERS {
        let id = format!("d{number}-{marker}");
        inner =
            inner.replace(&format!("id=\"{marker}\""), &format!("id=\"{id}\""));
        let _ = write!(style, "--{marker}:url(#{id});");
    }
    let title = escape(title);
    Ok(format!(
        "<figure class=\"diagram\"><svg class=\"svgbob\" role=\"img\" \
         aria-label=\"{title}\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" style=\"{style}\">{inner}\
         <figcaption>{title}</figcaption></figure>"
    ))
}
