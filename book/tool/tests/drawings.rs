//! ASCII drawings.

use super::sandbox::with;

const BOX: &str = "+---+\n| a |-->\n+---+\n";

#[test]
fn a_drawing_needs_a_title() {
    with(&format!("# A\n\n```svgbob\n{BOX}```\n")).finds(
        "book/src/a.md:3: a drawing needs a title: ```svgbob What it shows",
    );
}

#[test]
fn a_drawing_becomes_svg_with_a_title() {
    let text = with(&format!("# A\n\n```svgbob The \"box\"\n{BOX}```\n\nB\n"))
        .text("a.md");
    assert!(text.starts_with("# A\n\n<figure class=\"diagram\"><svg "));
    assert!(text.ends_with("</figure>\n\nB\n"), "{text}");
    assert!(text.contains("aria-label=\"The &quot;box&quot;\""), "{text}");
    assert!(text.contains("viewBox=\"0 0 "), "{text}");
    assert!(text.contains(">a</text>"), "{text}");
}

#[test]
fn a_drawing_has_no_colours_of_its_own() {
    let text = with(&format!("```svgbob A box\n{BOX}```\n")).text("a.md");
    for colour in ["white", "black", "#fff", "#000", "<style", "backdrop"] {
        assert!(!text.contains(colour), "{colour} in {text}");
    }
}

#[test]
fn two_drawings_on_a_page_share_no_id() {
    let text = format!("```svgbob A\n{BOX}```\n\n```svgbob B\n{BOX}```\n");
    let text = with(&text).text("a.md");
    let mut ids: Vec<&str> = text
        .split(" id=\"")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('"')?.0))
        .collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert!(count > 0 && ids.len() == count, "{count} ids, but {ids:?}");
}
