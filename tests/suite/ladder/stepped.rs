//! Sub-steps are listed, shown and checked.

use crate::tree::{FIRST, SECOND, Tree, server};

const LISTED: &str = "\
stage2-two -> stage3-three

    3.1  A timer                         +1     -0  1 of 3 lines
         Time passes.
    3.2  Waiting for it                  +2     -2  4 of 4 lines
         The server waits.

    Cargo.toml                           +1     -1
        Name.
    src/server.rs                        +1     -1
        It waits.
    src/timers.rs                        +1     -0
        Clients have deadlines.
    all of src/                          +2     -1
    all                                  +3     -2
";

const SHOWN: &str = "\
diff -ruN 3.1/src/server.rs 3.2/src/server.rs
--- 3.1/src/server.rs
+++ 3.2/src/server.rs
@@ -3,7 +3,7 @@
 line 3
 line 4
 line 5
-poll
+wait
 line 7
 line 8
 line 9
diff -ruN 3.1/src/timers.rs 3.2/src/timers.rs
--- 3.1/src/timers.rs
+++ 3.2/src/timers.rs
@@ -1 +1 @@
-tick
+deadline
";

fn allow(tree: &Tree, lines: u32) {
    let budget = format!("step_budget = {lines}");
    tree.edit("tests/ladder.toml", "step_budget = 3", &budget);
}

#[test]
fn the_table_lists_sub_steps() {
    let Some(tree) = Tree::stepped() else { return };
    allow(&tree, 4);
    let listed = LISTED.replace("1 of 3", "1 of 4");
    tree.run(&[]).must(0, &[&listed]);
    tree.run(&["check"]).must(0, &["3 stages"]);
    let title = "A title that is too long for its column";
    tree.edit(FIRST, "A timer", title);
    let row = format!("    3.1  {title}\n{:41}+1     -0  1 of 4 lines\n", "");
    tree.run(&[]).must(0, &[&row]);
}

#[test]
fn diff_shows_one_sub_step() {
    let Some(tree) = Tree::stepped() else { return };
    let ran = tree.run(&["diff", "3.2"]);
    ran.must(0, &[]);
    assert_eq!(ran.out, SHOWN);
    let ran = tree.run(&["diff", "3.1", "timers.rs"]);
    ran.must(0, &["stage2-two/src/timers.rs 3.1/src/timers.rs", "+tick\n"]);
    tree.run(&["diff", "3.1", "server.rs"])
        .must(0, &["src/server.rs is the same in stage2-two and 3.1"]);
    tree.run(&["diff", "3"]).must(0, &["+deadline\n", "+wait\n"]);
    tree.run(&["diff", "3.3"])
        .must(2, &["there is no 3.3: choose one of 2, 3.1, 3.2, 3\n"]);
    tree.run(&["diff", "3.x"]).must(2, &["for a sub-step, 5.2"]);
}

#[test]
fn each_sub_step_has_a_budget() {
    let Some(tree) = Tree::stepped() else { return };
    tree.run(&["check", "budget"]).must(
        1,
        &[
            "3.2 is too large",
            "4 lines of src/ change (2 added, 2 removed); the budget is 3",
            "cargo ladder diff 3.2",
        ],
    );
    allow(&tree, 4);
    tree.run(&["check", "budget"]).must(0, &[]);
    tree.edit("tests/ladder.toml", "step_budget", "budget");
    tree.run(&["check"]).must(1, &["[stage3-three] has a `budget`, but"]);
    tree.edit("tests/ladder.toml", "budget = 4\n", "");
    tree.run(&["check"]).must(1, &["[stage3-three] needs a"]);
}

#[test]
fn a_hunk_that_does_not_fit_is_named() {
    let Some(tree) = Tree::stepped() else { return };
    tree.edit("stage2-two/src/server.rs", "line 4\n", "line four\n");
    tree.run(&["check", "steps"]).must(
        1,
        &[
            "3.2 does not apply to 3.1",
            "stage3-three/steps/2-wait.patch:6: src/server.rs: hunk 1",
            "line 4 is `line four`, but the patch expects `line 4`",
            "cargo ladder checkout 3.1 DIR",
            "cargo ladder carry FILE",
            "cargo ladder follow",
            "cargo ladder record N",
        ],
    );
    // The hunk would fit one line further down, but must not move there.
    let lower = format!("line 0\n{}", server("poll"));
    tree.write("stage2-two/src/server.rs", &lower);
    tree.run(&["check", "steps"]).must(1, &["line 3 is `line 2`"]);
    tree.remove("stage2-two/src/server.rs");
    tree.run(&["check", "steps"]).must(1, &["there is no such file"]);
    tree.run(&["diff", "3.2"]).must(1, &["2-wait.patch:6: src/server.rs"]);
    tree.write("stage2-two/src/timers.rs", "tick\n");
    tree.run(&["check", "steps"])
        .must(1, &["1-timers.patch:17: src/timers.rs: the new file already"]);
}

#[test]
fn a_series_that_does_not_make_the_stage_is_named() {
    let Some(tree) = Tree::stepped() else { return };
    tree.edit("stage3-three/src/server.rs", "line 9\n", "line nine\n");
    tree.write("stage3-three/src/new.rs", "new\n");
    tree.remove("stage3-three/tests/http.rs");
    tree.run(&["check", "steps"]).must(
        1,
        &[
            "3.2 does not equal stage3-three: stage3-three/src/server.rs:9",
            "diff -u DIR/src/server.rs stage3-three/src/server.rs",
            "cargo ladder record 3",
            "no sub-step creates stage3-three/src/new.rs",
            "the sub-steps create tests/http.rs, but stage3-three has no such",
        ],
    );
    tree.run(&["record", "3"]).must(0, &["rewritten     stage3-three/steps/2"]);
    tree.run(&["check", "steps"]).must(0, &[]);
    tree.run(&["record", "3"]).must(0, &["the sub-steps already fit"]);
    tree.run(&["record", "2"]).must(0, &["the sub-steps already fit"]);
}

#[test]
fn a_header_must_be_complete() {
    for (old, new, says) in [
        (
            "Title: A timer\n",
            "",
            "1-timers.patch: the header has no `Title: …`",
        ),
        ("A timer", "TODO", "1-timers.patch: fill in Title in the header"),
        ("Time\n  passes.", "Time.\n  It passes.", "`Idea:` must be one"),
        ("for it.", "for it", "`Lacks:` must be one sentence"),
        (
            "Lacks:",
            "Needs:",
            "unknown field `Needs` in the header; the fields are",
        ),
        ("Lacks:", "Lacks", "found `Lacks The server"),
        ("Try:", "Idea:", "line 4: a second `Idea:`"),
        ("it.\n---\n", "it.\n", "the line `---` after the header is"),
        ("b/src/timers.rs", "b/../timers.rs", "does not name a file"),
        ("---\n--- a/", "---\nnote\n--- a/", "`note` comes before the first"),
    ] {
        let Some(tree) = Tree::stepped() else { return };
        tree.edit(FIRST, old, new);
        tree.run(&["check", "steps"]).must(1, &[says]);
    }
}

#[test]
fn the_format_of_a_patch_is_fixed() {
    for (old, new) in [
        // A function name in the hunk header, and less context.
        ("@@ -3,7 +3,7 @@", "@@ -3,7 +3,7 @@ fn main()"),
        ("@@ -3,7 +3,7 @@\n line 3\n", "@@ -4,6 +4,6 @@\n"),
    ] {
        let Some(tree) = Tree::stepped() else { return };
        tree.edit(SECOND, old, new);
        let says =
            ["2-wait.patch:8: the patch applies, but its format is not that"];
        tree.run(&["check", "steps"]).must(1, &says);
        let folder = tree.root.join("work").to_string_lossy().into_owned();
        tree.run(&["checkout", "3.2", &folder]).must(0, &[]);
        tree.run(&["record", "3.2", &folder]).must(0, &["complete"]);
        tree.run(&["check", "steps"]).must(0, &[]);
    }
}

#[test]
fn sub_steps_are_numbered_without_gaps() {
    let Some(tree) = Tree::stepped() else { return };
    let text = tree.read(SECOND);
    tree.write("stage3-three/steps/.2-wait.patch.swp", "an editor's\n");
    tree.run(&["check", "steps"]).must(0, &[]);
    for (name, says) in [
        ("4-more.patch", "steps/4-more.patch: expected sub-step 3.3 here"),
        ("2-more.patch", "expected sub-step 3.3 here"),
        ("more.patch", "steps/more.patch is not named N-NAME.patch"),
        ("3-more.diff", "steps/3-more.diff is not named N-NAME.patch"),
    ] {
        let file = format!("stage3-three/steps/{name}");
        tree.write(&file, &text);
        tree.run(&["check", "steps"]).must(1, &[says]);
        tree.remove(&file);
    }
    tree.remove(FIRST);
    tree.run(&["check", "steps"]).must(1, &["expected sub-step 3.1 here"]);
}

#[test]
fn the_first_stage_has_no_sub_steps() {
    let Some(tree) = Tree::stepped() else { return };
    tree.write("stage1-one/steps/1-wait.patch", &tree.read(SECOND));
    tree.run(&["diff", "1.1"]).must(2, &["there is no 1.1"]);
    tree.run(&["check", "steps"])
        .must(1, &["stage1-one has no stage before it"]);
}
