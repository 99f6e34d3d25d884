//! `cargo ladder record` makes an edited checkout a sub-step.

use std::fs;

use crate::tree::{FIRST, SECOND, Tree};

#[test]
fn an_unchanged_checkout_changes_nothing() {
    let Some(tree) = Tree::stepped() else { return };
    for (number, folder) in [("3.1", "one"), ("3.2", "two")] {
        let before = [tree.read(FIRST), tree.read(SECOND)];
        tree.run(&["checkout", number, folder]).must(0, &[]);
        tree.run(&["record", number, folder]).must(0, &["recorded      "]);
        assert_eq!([tree.read(FIRST), tree.read(SECOND)], before);
    }
}

#[test]
fn no_other_tree_changes() {
    let Some(tree) = Tree::stepped() else { return };
    tree.run(&["checkout", "3.1", "work"]).must(0, &[]);
    tree.write("work/src/timers.rs", "tick\ntock\n");
    tree.edit("work/src/server.rs", "line 1\n", "line one\n");
    tree.remove("work/src/http/mod.rs");
    tree.write("work/Cargo.toml", "[workspace]\n# not for the record\n");
    tree.write("work/README.md", "nor this\n");
    tree.run(&["record", "3.1", "work"]).must(
        0,
        &[
            "recorded      stage3-three/steps/1-timers.patch: 4 files\n",
            "recorded      stage3-three/steps/2-wait.patch: 3 files\n",
        ],
    );
    tree.run(&["check", "steps"]).must(0, &[]);
    let first = tree.read(FIRST);
    assert!(first.starts_with("Title: A timer\nIdea: Time\n  passes.\n"));
    let order = ["a/Cargo.toml", "a/src/http", "a/src/server", "b/src/timers"];
    let places = order.map(|file| first.find(file).unwrap());
    assert!(places.is_sorted(), "{first}");
    fs::remove_dir_all(tree.root.join("work")).unwrap();
    tree.run(&["checkout", "3.1", "work"]).must(0, &[]);
    assert_eq!(tree.read("work/src/timers.rs"), "tick\ntock\n");
    assert!(tree.read("work/Cargo.toml").contains("name = \"stage3-three\""));
    assert!(!tree.root.join("work/src/http/mod.rs").exists());
}

#[test]
fn a_member_of_a_workspace_brings_its_manifest() {
    let Some(tree) = Tree::stepped() else { return };
    tree.run(&["checkout", "3.1", "work"]).must(0, &[]);
    let manifest = tree.read("stage3-three/Cargo.toml");
    let other = manifest.replace("one.workspace = true\n", "");
    tree.write("work/Cargo.toml", &other);
    tree.run(&["record", "3.1", "work"]).must(0, &[]);
    tree.run(&["check", "steps"]).must(0, &[]);
    assert!(tree.read(FIRST).contains("\n-one.workspace = true\n"));
    assert!(tree.read(SECOND).contains("\n+one.workspace = true\n"));
}

#[test]
fn new_sub_steps_form_a_series() {
    let Some(tree) = Tree::stepped() else { return };
    let (first, second) = (tree.read(FIRST), tree.read(SECOND));
    tree.run(&["checkout", "3.1", "work"]).must(0, &[]);
    fs::remove_dir_all(tree.root.join("stage3-three/steps")).unwrap();
    tree.run(&["record", "3.1", "work"])
        .must(2, &["`--name NAME` creates it as stage3-three/steps/1-NAME"]);
    tree.run(&["record", "3.1", "work", "--name", "timers"]).must(
        0,
        &[
            "new           stage3-three/steps/1-timers.patch: 2 files\n",
            "incomplete    3.1 does not equal stage3-three yet",
        ],
    );
    tree.run(&["record", "3.2", "stage3-three", "--name", "wait"])
        .must(0, &["complete      3.2 equals stage3-three"]);
    let diff = |patch: &str| patch.split_once("---\n").unwrap().1.to_owned();
    assert_eq!(diff(&tree.read(FIRST)), diff(&first));
    assert_eq!(diff(&tree.read(SECOND)), diff(&second));
    tree.run(&["check", "steps"]).must(
        1,
        &["1-timers.patch: fill in Title, Idea, Try, Lacks in the header"],
    );
}

#[test]
fn invalid_arguments_are_a_usage_error() {
    let Some(tree) = Tree::stepped() else { return };
    tree.run(&["checkout", "3.1", "work"]).must(0, &[]);
    let before = [tree.read(FIRST), tree.read(SECOND)];
    for (words, says) in [
        (&["3.1"][..], "the folder is missing: `cargo ladder record 3.1 DIR`"),
        (&["3", "work"], "3 is a stage: edit its folder"),
        (&["4.1", "work"], "there is no stage 4"),
        (&["1.1", "work"], "stage1-one has no stage before it"),
        (
            &["3.4", "work"],
            "3.4 would leave a gap: the next new sub-step is 3.3",
        ),
        (&["3.0", "work"], "3.0 would leave a gap"),
        (&["3.1", "work", "--name", "x"], "3.1 exists and keeps its name"),
        (&["3.3", "work", "--name", "X/y"], "`X/y` is not a valid name"),
        (&["3.1", "tests"], "is not a crate: it has no src/"),
    ] {
        tree.run(&[&["record"], words].concat()).must(2, &[says]);
    }
    tree.run(&["record", "3.1", "nowhere"]).must(2, &["is not a crate"]);
    tree.write("work/src/empty.rs", "");
    tree.run(&["record", "3.1", "work"])
        .must(1, &["empty.rs is empty: a patch"]);
    fs::write(tree.root.join("work/src/empty.rs"), b"\xff").unwrap();
    tree.run(&["record", "3.1", "work"]).must(1, &["empty.rs: ", "UTF-8"]);
    assert_eq!([tree.read(FIRST), tree.read(SECOND)], before);
}

/// To repair a broken series, record its sub-steps again from the lowest up.
#[test]
fn a_broken_series_can_be_repaired() {
    let Some(tree) = Tree::stepped() else { return };
    tree.run(&["checkout", "3.1", "one"]).must(0, &[]);
    tree.run(&["checkout", "3.2", "two"]).must(0, &[]);
    tree.edit("stage2-two/Cargo.toml", "[package]", "# two\n[package]");
    tree.commit();
    tree.run(&["check", "steps"]).must(1, &["3.1 does not apply"]);
    tree.run(&["record", "3.2", "two"])
        .must(1, &["1-timers.patch:8: Cargo.toml: hunk 1"]);
    tree.write("one/Cargo.toml", &tree.read("stage3-three/Cargo.toml"));
    tree.run(&["record", "3.1", "one"])
        .must(0, &["skipped       stage3-three/steps/2-wait.patch"]);
    tree.run(&["record", "3.2", "two"]).must(0, &["complete"]);
    tree.run(&["check", "steps"]).must(0, &[]);
}
