//! Excerpts from files, and how they look on the page.

use super::sandbox::with;
use crate::colour;
use crate::excerpt::{Excerpt, Part, excerpt};

const RUST: &str = "\
//! A module.

use std::fmt;

/// How many.
const LIMIT: usize = 2;

// Why it is here.
/// A thing.
#[derive(Debug)]
pub struct Thing {
    size: usize,
}

impl Thing {
    /// Grows.
    pub fn grow(&mut self) {
        // ANCHOR: step
        self.size += 1;
        // ANCHOR_END: step
    }
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, \"}}\")
    }
}

mod inner {
    pub fn grow() {}
}
";

fn item(name: &str) -> Result<(usize, usize, String), String> {
    let found = excerpt(RUST, &Part::Item(name.to_string()))?;
    let Excerpt { text, first, last } = found;
    Ok((first, last, text))
}

#[test]
fn items_are_found_by_name_with_their_comments() {
    let (first, last, text) = item("Thing").unwrap();
    assert_eq!((first, last), (8, 13));
    assert!(text.starts_with("// Why it is here.\n/// A thing.\n#[derive"));
    assert_eq!(item("LIMIT").unwrap().0, 5);
    assert_eq!(item("inner::grow").unwrap().0, 31);
    assert_eq!(item("inner").unwrap().1, 32);
    assert_eq!(item("impl Thing").unwrap().0, 15);
    assert_eq!(item("impl Display for Thing").unwrap().0, 24);
    assert_eq!(item("Thing::fmt").unwrap().0, 25);
}

#[test]
fn a_method_moves_to_the_left_without_its_markers() {
    let (first, last, text) = item("Thing::grow").unwrap();
    assert_eq!((first, last), (16, 21));
    assert_eq!(
        text,
        "/// Grows.\npub fn grow(&mut self) {\n    self.size += 1;\n}"
    );
}

#[test]
fn an_anchor_is_the_text_between_its_markers() {
    let found = excerpt(RUST, &Part::Anchor("step".to_string())).unwrap();
    let text = "self.size += 1;".to_string();
    assert_eq!(found, Excerpt { text, first: 19, last: 19 });
}

#[test]
fn a_missing_or_ambiguous_part_is_an_error() {
    let anchor = |text| excerpt(text, &Part::Anchor("a".to_string()));
    let wrong = [
        ("// ANCHOR: a\nx\n", "there is no `ANCHOR_END: a`"),
        (
            "// ANCHOR: a\n// ANCHOR: a\n// ANCHOR_END: a\n",
            "there is more than one `ANCHOR: a`",
        ),
        (
            "// ANCHOR_END: a\n// ANCHOR: a\n",
            "the anchor a ends before it begins",
        ),
        ("// ANCHOR: a\n\n// ANCHOR_END: a\n", "this part is empty"),
    ];
    for (text, message) in wrong {
        assert_eq!(anchor(text).unwrap_err(), message);
    }
    assert_eq!(item("fmt").unwrap_err(), "there is no item fmt");
    let twice = "#[cfg(a)]\nfn f() {}\n#[cfg(b)]\nfn f() {}\n";
    let error = excerpt(twice, &Part::Item("f".to_string())).unwrap_err();
    assert_eq!(error, "there is more than one item f");
    let error = excerpt("fn (", &Part::Item("f".to_string())).unwrap_err();
    assert!(error.starts_with("line 1: "), "{error}");
}

#[test]
fn a_listing_names_its_file_and_lines() {
    assert_eq!(
        with("{{#source stage1-one/src/socket.rs:bind}}\n").text("a.md"),
        "<figure class=\"listing\">\n\
         <figcaption><a href=\"sources/stage1-one/src/socket.rs.html#L6\">\
         stage1-one/src/socket.rs</a>, lines 6–6</figcaption>\n\n\
         ```rust\nlet port = 1;\n```\n\n</figure>\n"
    );
}

#[test]
fn a_listing_in_a_list_is_indented() {
    let text = "- a list\n\n  {{#source stage1-one/src/socket.rs:bind}}\n";
    let text = with(text).text("a.md");
    assert!(text.contains("\n  ```rust\n  let port = 1;\n  ```\n"), "{text}");
}

#[test]
fn a_snapshot_names_its_stage_and_test() {
    for (name, from, command) in [
        ("a/b", "from: 2\n", "-p stage2-two a::b"),
        ("a/b", "until: 2\n", "-p stage1-one a::b"),
        ("stage2-two/lab-try_it", "", "-p stage2-two labs::try_it"),
    ] {
        let mut sandbox = with(&format!("{{{{#snapshot {name}}}}}\n"));
        sandbox.file("stage2-two/src/main.rs", "fn main() {}\n");
        let snap = format!("tests/snapshots/{name}.snap");
        sandbox.file(&snap, "---\nx\n---\nseen\n");
        let script = format!("# A promise.\n\n{from}\n> GET\n");
        sandbox.file("tests/conversations/a/b.http", &script);
        let text = sandbox.text("a.md");
        let caption = format!("Checked by <code>cargo test {command}</code>");
        assert!(text.contains(&caption), "{caption}\nnot in\n{text}");
    }
}

#[test]
fn a_first_stage_that_does_not_exist() {
    let mut sandbox = with("{{#snapshot a/b}}\n");
    sandbox.file("tests/snapshots/a/b.snap", "---\nx\n---\nseen\n");
    sandbox.file("tests/conversations/a/b.http", "# P\n\nfrom: 7\n");
    sandbox.finds("book/src/a.md:1: there is no stage 7");
    sandbox.file("tests/conversations/a/b.http", "# P\n\nfrom: x\n");
    sandbox.finds(
        "book/src/a.md:1: tests/conversations/a/b.http: \
         `from:` needs a stage's number",
    );
}

#[test]
fn a_snapshot_loses_its_header_and_names_its_test() {
    let snap = "---\nsource: x.rs\nexpression: y\n---\nseen\n---\nmore\n";
    for (name, command) in [
        ("stage1-one/truth", "-p stage1-one truth"),
        ("framing/both", "-p stage1-one framing::both"),
    ] {
        let mut sandbox = with(&format!("{{{{#snapshot {name}}}}}\n"));
        sandbox.file(&format!("tests/snapshots/{name}.snap"), snap);
        let text = sandbox.text("a.md");
        let caption = format!("<code>cargo test {command}</code>");
        assert!(text.contains(&caption), "{text}");
        assert!(text.contains("```text\nseen\n---\nmore\n```"), "{text}");
        assert!(!text.contains("expression"), "{text}");
    }
    let mut sandbox = with("{{#snapshot a/b}}\n");
    sandbox.file("tests/snapshots/a/b.snap", "seen\n");
    sandbox.finds(
        "book/src/a.md:1: tests/snapshots/a/b.snap has no header \
         between `---` lines",
    );
}

#[test]
fn a_script_with_fences_in_it_stays_one_block() {
    let mut sandbox = with("{{#script a/b}}\n");
    sandbox.file("tests/conversations/a/b.http", "> ````\n");
    let text = sandbox.text("a.md");
    assert!(text.contains("\n`````text\n> ````\n`````\n"), "{text}");
}

#[test]
fn colours_keep_the_text_and_its_lines() {
    let text =
        "/* a /* */\n b */ let s = r#\"x\"\ny\"#; // <c>\n'a' 'b ' 0x1F\n";
    let lines = colour::rust(text);
    assert_eq!(
        lines,
        [
            "<span class=\"hljs-comment\">/* a /* */</span>",
            "<span class=\"hljs-comment\"> b */</span> \
             <span class=\"hljs-keyword\">let</span> s = \
             <span class=\"hljs-string\">r#&quot;x&quot;</span>",
            "<span class=\"hljs-string\">y&quot;#</span>; \
             <span class=\"hljs-comment\">// &lt;c&gt;</span>",
            "<span class=\"hljs-string\">'a'</span> \
             <span class=\"hljs-symbol\">'b</span> \
             <span class=\"hljs-symbol\">'</span> \
             <span class=\"hljs-number\">0x1F</span>",
        ]
    );
}

#[test]
fn wide_output_is_folded_at_a_space_if_there_is_one() {
    let (a, b) = ("a".repeat(70), "b".repeat(100));
    let mut sandbox = with("{{#snapshot a/b}}\n");
    let snap = format!("---\nx: y\n---\nshort\n{a} {a}\n{b}\n");
    sandbox.file("tests/snapshots/a/b.snap", &snap);
    let text = sandbox.text("a.md");
    let b = (&b[..78], &b[78..]);
    let folded =
        format!("\nshort\n{a} ↩\n    {a}\n{} ↩\n    {}\n```\n", b.0, b.1);
    assert!(text.contains(&folded), "{text}");
    assert!(text.contains("; long lines are wrapped</figcaption>"), "{text}");
}

#[test]
fn comments_above_an_item_end_at_a_marker() {
    let text = "// Other.\n// ANCHOR_END: a\n// Why.\nfn f() {}\n";
    let found = excerpt(text, &Part::Item("f".to_string())).unwrap();
    assert_eq!(found.first, 3);
}

#[test]
fn blank_lines_at_the_ends_of_an_anchor_are_not_shown() {
    let text = "// ANCHOR: a\n\nx\n\ny\n\n// ANCHOR_END: a\n";
    let found = excerpt(text, &Part::Anchor("a".to_string())).unwrap();
    let text = "x\n\ny".to_string();
    assert_eq!(found, Excerpt { text, first: 3, last: 5 });
}
