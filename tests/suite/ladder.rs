//! The stages differ just where `tests/ladder.toml` says; and `cargo ladder`,
//! which says so, tells the truth about small trees made for the purpose.

#[path = "ladder/carried.rs"]
mod carried;
#[path = "ladder/checked.rs"]
mod checked;
#[path = "ladder/refused.rs"]
mod refused;
#[path = "ladder/shown.rs"]
mod shown;
#[path = "ladder/tree.rs"]
mod tree;

use tree::Tree;

/// A file that a stage does not have to change is the same as before, so that
/// whatever `diff -ru` shows is the lesson.
#[test]
fn stages_differ_only_where_declared() {
    let ran = Tree::real().run(&["check", "files"]);
    assert!(ran.code == 0, "\n\n{}{}", ran.out, ran.err);
}

/// A step is as small as it was meant to be.
#[test]
fn no_step_is_over_its_budget() {
    let ran = Tree::real().run(&["check", "budget"]);
    assert!(ran.code == 0, "\n\n{}{}", ran.out, ran.err);
}
