//! `cargo ladder check` finds every kind of mistake, and reports no others.

use crate::tree::{DECLARED, Tree, server};

#[test]
fn a_tree_as_declared_passes() {
    Tree::new().run(&["check"]).must(0, &["3 stages"]);
}

#[test]
fn an_undeclared_change_is_named() {
    let tree = Tree::new();
    tree.edit("stage2-two/src/http/mod.rs", "b", "B");
    let ran = tree.run(&["check", "files"]);
    ran.must(
        1,
        &[
            "stage2-two/src/http/mod.rs is not the same as in stage1-one",
            "cargo ladder diff 2 src/http/mod.rs",
            "cargo ladder carry stage2-two/src/http/mod.rs",
            "[stage2-two.changes]",
            // Stage 3 still equals stage 1, so the next step is wrong as well.
            "stage3-three/src/http/mod.rs is not the same as in stage2-two",
        ],
    );
    tree.run(&["check", "budget"]).must(1, &["4 lines of src/ change"]);
}

#[test]
fn one_byte_is_a_difference() {
    for text in ["a\nb\nc", "a\nb\r\nc\n", "a\nb\nc\n\n", "a\nb \nc\n"] {
        let tree = Tree::new();
        tree.write("stage3-three/src/http/mod.rs", text);
        tree.run(&["check"]).must(1, &["stage3-three/src/http/mod.rs is not"]);
    }
}

#[test]
fn a_declared_change_must_exist() {
    let tree = Tree::new();
    tree.write("stage2-two/src/server.rs", &server("block"));
    tree.run(&["check"]).must(
        1,
        &[
            "src/server.rs changes in stage2-two",
            "but it is the same as in stage1-one",
            "cargo ladder diff 2",
            "Correct [stage2-two.changes]",
        ],
    );
}

#[test]
fn a_missing_file_is_named() {
    let tree = Tree::new();
    tree.remove("stage3-three/tests/http.rs");
    tree.run(&["check"]).must(
        1,
        &[
            "stage2-two/tests/http.rs has no counterpart in stage3-three",
            "cargo ladder diff 3 tests/http.rs",
            "[stage3-three.disappears]",
        ],
    );
}

#[test]
fn an_extra_file_is_named() {
    let tree = Tree::new();
    tree.write("stage3-three/src/http/new.rs", "new\n");
    tree.run(&["check"]).must(
        1,
        &[
            "stage3-three/src/http/new.rs has no counterpart in stage2-two",
            "[stage3-three.appears]",
        ],
    );
}

#[test]
fn a_file_declared_to_appear_must_be_there() {
    let tree = Tree::new();
    tree.remove("stage3-three/src/timers.rs");
    tree.run(&["check"]).must(
        1,
        &[
            "src/timers.rs appears in stage3-three",
            "but neither stage2-two nor stage3-three has it",
        ],
    );
}

#[test]
fn a_file_that_was_there_before_does_not_appear() {
    let tree = Tree::new();
    tree.write("stage1-one/src/timers.rs", "before\n");
    tree.write("stage2-two/src/timers.rs", "before\n");
    tree.run(&["check"]).must(
        1,
        &[
            "both stage2-two and stage3-three have it",
            "stage3-three/src/timers.rs is not the same",
        ],
    );
}

#[test]
fn a_file_may_disappear_if_declared() {
    let tree = Tree::new();
    tree.remove("stage3-three/tests/http.rs");
    let more = "disappears = { \"tests/http.rs\" = \"It is done.\" }\n";
    tree.write("tests/ladder.toml", &format!("{DECLARED}{more}"));
    tree.run(&["check"]).must(0, &[]);
}

#[test]
fn readme_labs_and_an_editor_s_files_are_free() {
    let tree = Tree::new();
    tree.write("stage2-two/README.md", "another\n");
    tree.write("stage2-two/examples/lab.rs", "lab\n");
    tree.write("stage2-two/src/.server.rs.swp", "draft\n");
    tree.run(&["check"]).must(0, &[]);
}

#[test]
fn the_budget_counts_src_and_nothing_else() {
    let tree = Tree::new();
    let at_most = |budget| {
        let new = DECLARED.replace("budget = 3", budget);
        tree.write("tests/ladder.toml", &new);
        tree.run(&["check", "budget"])
    };
    // server.rs replaces one line and timers.rs has one new line. Cargo.toml
    // does not count.
    at_most("budget = 3").must(0, &[]);
    // Blank lines don't count.
    tree.write("stage3-three/src/timers.rs", "\ntick\n\n");
    at_most("budget = 3").must(0, &[]);
    at_most("budget = 2").must(
        1,
        &[
            "stage3-three is too large",
            "3 lines of src/ change (2 added, 1 removed); the budget is 2",
            "cargo ladder diff 3",
        ],
    );
}

#[test]
fn a_stage_without_a_section_is_named() {
    let tree = Tree::new();
    tree.write("stage4-four/Cargo.toml", "name\n");
    tree.run(&["check"]).must(1, &["nothing about stage4-four"]);
}

#[test]
fn a_mistake_in_the_declaration_is_named() {
    let tree = Tree::new();
    let mistake = |old: &str, new: &str, part: &str| {
        assert!(DECLARED.contains(old));
        tree.write("tests/ladder.toml", &DECLARED.replace(old, new));
        tree.run(&["check"]).must(1, &["tests/ladder.toml", part]);
    };
    mistake("appears", "apears", "unknown field `apears`");
    mistake("budget = 3", "", "[stage3-three] needs a `budget`");
    mistake("budget = 3", "step_budget = 3", "the stage has no sub-steps");
    mistake("budget = 3", "budget = -3", "-3");
    mistake("stage3-three", "stage3-free", "`stage3-free` is not a stage");
    mistake("stage2-two", "stage1-one", "`stage1-one` is not a stage");
    mistake("\"It polls.\"", "\"\"", "why src/server.rs");
    mistake("\"It polls.\"", "\"It polls\"", "one sentence");
    mistake("\"It polls.\"", "\"It polls. So.\"", "one sentence");
    mistake("[stage2-two]", "[stage2-two", "TOML parse error");
}

#[test]
fn stages_are_numbered_without_gaps() {
    let tree = Tree::new();
    tree.write("stage5-five/Cargo.toml", "name\n");
    let says = "stage5-five: expected stage 4 here";
    tree.run(&["check"]).must(1, &[says]);
    let tree = Tree::new();
    tree.write("stage2-second/Cargo.toml", "name\n");
    tree.run(&["check"]).must(1, &["expected stage 3 here"]);
}
