//! The stages differ just where `tests/ladder.toml` says; and `cargo ladder`,
//! which says so, tells the truth about small trees made for the purpose.

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

/// A file that a stage does not have to change is the same as before, so that
/// whatever `diff -ru` shows is the lesson.
#[test]
fn stages_differ_only_where_declared() {
    let ran = Tree::real().run(&["check", "files"]);
    assert!(ran.code == 0, "\n\n{}{}", ran.out, ran.err);
}

/// The sub-steps of a stage have complete headers, and applied one after the
/// other to the stage before they make the stage.
#[test]
fn sub_steps_make_the_stages() {
    let ran = Tree::real().run(&["check", "steps"]);
    assert!(ran.code == 0, "\n\n{}{}", ran.out, ran.err);
}

/// A step is as small as it was meant to be.
#[test]
fn no_step_is_over_its_budget() {
    let ran = Tree::real().run(&["check", "budget"]);
    assert!(ran.code == 0, "\n\n{}{}", ran.out, ran.err);
}
