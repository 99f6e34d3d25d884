//! Tests that the stages differ only where `tests/ladder.toml` says so, and
//! tests `cargo ladder` itself on a small workspace.

#[path = "ladder/carried.rs"]
mod carried;
#[path = "ladder/checked.rs"]
mod checked;
#[path = "ladder/checked_out.rs"]
mod checked_out;
#[path = "ladder/recorded.rs"]
mod recorded;
#[path = "ladder/refused.rs"]
mod refused;
#[path = "ladder/shown.rs"]
mod shown;
#[path = "ladder/stepped.rs"]
mod stepped;
#[path = "ladder/tested.rs"]
mod tested;
#[path = "ladder/through_steps.rs"]
mod through_steps;
#[path = "ladder/tree.rs"]
mod tree;

use tree::Tree;

/// A stage changes only the files that its lesson needs, so everything that
/// `diff -ru` shows is part of the lesson.
#[test]
fn stages_differ_only_where_declared() {
    let ran = Tree::real().run(&["check", "files"]);
    assert!(ran.code == 0, "\n\n{}{}", ran.out, ran.err);
}

/// The sub-steps have complete headers. Applied in order to the previous
/// stage, they produce the stage.
#[test]
fn sub_steps_make_the_stages() {
    let ran = Tree::real().run(&["check", "steps"]);
    assert!(ran.code == 0, "\n\n{}{}", ran.out, ran.err);
}

/// No step is larger than its budget.
#[test]
fn no_step_is_over_its_budget() {
    let ran = Tree::real().run(&["check", "budget"]);
    assert!(ran.code == 0, "\n\n{}{}", ran.out, ran.err);
}
