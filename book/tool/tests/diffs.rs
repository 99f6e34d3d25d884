//! Diffs between stages.

use super::sandbox::Sandbox;

const OLD: &str = "\
fn first() {
    one();
}

fn unchanged() {
    a();
    b();
    c();
    d();
    e();
    f();
    g();
    h();
}

fn last() {
    two();
}
";

/// Two stages that differ in two functions of one file, and by a new file.
fn two_stages(text: &str) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.page("a.md", text);
    sandbox.file("stage1-one/src/server.rs", OLD);
    let new = OLD.replace("one()", "uno()").replace("two()", "dos::<T>()");
    sandbox.file("stage2-two/src/server.rs", &new);
    let same = super::sandbox::SOCKET.replace("    // ANCHOR", "    // A");
    sandbox.file("stage2-two/src/socket.rs", &same);
    sandbox.file("stage2-two/src/extra/new.rs", "fn new() {}\n");
    sandbox
}

#[test]
fn a_file_shows_its_hunks_with_marks_and_colours() {
    let sandbox = two_stages("{{#stage-diff 2 server.rs}}\n");
    let text = sandbox.text("a.md");
    assert!(text.contains("@@ -1,5 +1,5 @@"), "{text}");
    assert!(
        text.contains("<span class=\"del\">-    one();\n</span>"),
        "{text}"
    );
    assert!(
        text.contains("<span class=\"add\">+    uno();\n</span>"),
        "{text}"
    );
    let escaped = "<span class=\"add\">+    dos::&lt;T&gt;();\n</span>";
    assert!(text.contains(escaped), "{text}");
    let coloured = "<span class=\"same\"> <span class=\"hljs-keyword\">fn\
                    </span> <span class=\"hljs-title\">first</span>() {\n";
    assert!(text.contains(coloured), "{text}");
    assert!(!text.contains("    d();"), "too much context: {text}");
    let link = "<a href=\"sources/stage2-two/src/server.rs.html\">";
    assert!(text.contains(link), "{text}");
    assert!(!text.contains("\n\n"), "a blank line ends the HTML: {text}");
}

#[test]
fn an_item_shows_only_its_hunks() {
    let sandbox = two_stages("{{#stage-diff 2 server.rs#last}}\n");
    let text = sandbox.text("a.md");
    assert!(text.contains("dos"), "{text}");
    assert!(!text.contains("uno"), "{text}");
}

#[test]
fn a_whole_step_counts_its_lines() {
    let text = two_stages("{{#stage-diff 2}}\n").text("a.md");
    assert!(text.contains("| `server.rs` | +2 | −2 |"), "{text}");
    assert!(text.contains("| `extra/new.rs` | +1 | −0 |"), "{text}");
    assert!(text.contains("stage2-two/src/extra/new.rs</a>, a new file"));
    assert!(text.contains("@@ -0,0 +1,1 @@"), "{text}");
}

#[test]
fn a_removed_file_is_shown() {
    let mut sandbox = two_stages("{{#stage-diff 2 gone.rs}}\n");
    sandbox.file("stage1-one/src/gone.rs", "fn gone() {}\n");
    let text = sandbox.text("a.md");
    assert!(text.contains("gone.rs, removed</figcaption>"), "{text}");
    assert!(text.contains("@@ -1,1 +0,0 @@"), "{text}");
}

#[test]
fn a_diff_without_changes_is_an_error() {
    let wrong = [
        ("1", "there is no stage 0"),
        ("3", "there is no stage 3"),
        ("two", "two is not the number of a stage"),
        ("2 none.rs", "neither stage1-one nor stage2-two has src/none.rs"),
        ("2 server.rs#none", "server.rs: there is no item none"),
        ("2 server.rs#unchanged", "server.rs: unchanged does not change"),
        ("2 same.rs", "same.rs is the same in stage1-one and stage2-two"),
    ];
    for (request, message) in wrong {
        let text = format!("\n{{{{#stage-diff {request}}}}}\n");
        let mut sandbox = two_stages(&text);
        sandbox.file("stage1-one/src/same.rs", "fn same() {}\n");
        sandbox.file("stage2-two/src/same.rs", "fn same() {}\n");
        sandbox.finds(&format!("book/src/a.md:2: {message}"));
    }
}
