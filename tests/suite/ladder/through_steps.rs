//! `cargo ladder carry` applies an edit to the sub-steps as well.

use crate::tree::{FIRST, SECOND, STAGES, Tree, server};

const TWO: &str = "stage2-two/src/server.rs";
const THREE: &str = "stage3-three/src/server.rs";

/// The text of a sub-step's file.
fn step(tree: &Tree, number: &str, file: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_string_lossy();
    tree.run(&["checkout", number, &path]).must(0, &[]);
    std::fs::read_to_string(folder.path().join(file)).unwrap()
}

#[test]
fn an_edit_reaches_every_tree() {
    for name in STAGES {
        let Some(tree) = Tree::stepped() else { return };
        let file = format!("{name}/src/server.rs");
        tree.edit(&file, "line 4\n", "line four\nline 4b\n");
        let before = tree.read(FIRST);
        tree.run(&["carry", &file]).must(
            0,
            &["3.1/src/server.rs", &format!("rewritten     {SECOND}")],
        );
        let text = tree.read(SECOND);
        assert!(
            text.contains("@@ -4,7 +4,7 @@\n line four\n line 4b\n line 5")
        );
        assert_eq!(tree.read(FIRST), before);
        tree.run(&["check", "steps"]).must(0, &[]);
        tree.run(&["check", "files"]).must(0, &[]);
        for (name, own) in STAGES.into_iter().zip(["block", "poll", "wait"]) {
            let edited =
                server(own).replace("line 4\n", "line four\nline 4b\n");
            assert_eq!(tree.read(&format!("{name}/src/server.rs")), edited);
        }
    }
}

#[test]
fn a_file_that_no_patch_touches_needs_no_rewriting() {
    let Some(tree) = Tree::stepped() else { return };
    let before = [tree.read(FIRST), tree.read(SECOND)];
    tree.edit("stage2-two/src/http/mod.rs", "b\n", "B\n");
    tree.run(&["carry", "stage2-two/src/http/mod.rs"])
        .must(0, &["copied        3.1/src/http/mod.rs\n"]);
    assert_eq!([tree.read(FIRST), tree.read(SECOND)], before);
    tree.run(&["check", "steps"]).must(0, &[]);
    assert_eq!(step(&tree, "3.1", "src/http/mod.rs"), "a\nB\nc\n");
}

#[test]
fn a_file_that_appears_on_the_way_takes_the_edit() {
    let Some(tree) = Tree::stepped() else { return };
    // The file is longer in the stage than in the first sub-step.
    tree.run(&["checkout", "3.1", "work"]).must(0, &[]);
    let first = "1\n2\n3\n4\n5\n6\n7\n8\n".to_owned();
    tree.write("work/src/timers.rs", &first);
    tree.run(&["record", "3.1", "work"]).must(0, &[]);
    let file = "stage3-three/src/timers.rs";
    tree.write(file, &format!("{first}deadline\n"));
    tree.run(&["record", "3"]).must(0, &[]);
    tree.commit();
    tree.edit(file, "2\n", "two\n");
    tree.run(&["carry", file]).must(0, &["merged        3.1/src/timers.rs"]);
    tree.run(&["check", "steps"]).must(0, &[]);
    assert_eq!(
        step(&tree, "3.1", "src/timers.rs"),
        first.replace("2\n", "two\n")
    );
}

#[test]
fn a_conflict_in_a_sub_step_is_named() {
    let Some(tree) = Tree::stepped() else { return };
    tree.run(&["checkout", "3.1", "work"]).must(0, &[]);
    tree.edit("work/src/server.rs", "line 11\n", "line XI\n");
    tree.run(&["record", "3.1", "work"]).must(0, &[]);
    tree.commit();
    tree.edit(TWO, "line 1\n", "line one\n");
    tree.edit(TWO, "line 11\n", "line eleven\n");
    tree.run(&["carry", TWO]).must(
        1,
        &[
            "merged        stage3-three/src/server.rs\n",
            "conflict      3.1/src/server.rs:11\n",
            &format!("git diff {TWO}"),
            "cargo ladder checkout 3.1 DIR",
            "cargo ladder record 3.1 DIR",
        ],
    );
    // The sub-step has not changed, and all patches still apply.
    tree.run(&["check", "steps"]).must(0, &[]);
    assert_eq!(
        step(&tree, "3.1", "src/server.rs"),
        server("poll").replace("line 11\n", "line XI\n")
    );
    // Now make the edit by hand, as the message says.
    tree.edit("work/src/server.rs", "line XI\n", "line XI, eleven\n");
    tree.edit("work/src/server.rs", "line 1\n", "line one\n");
    tree.run(&["record", "3.1", "work"]).must(0, &[]);
    tree.run(&["check", "steps"]).must(0, &[]);
}

#[test]
fn a_conflict_in_a_stage_is_resolved_by_hand() {
    let Some(tree) = Tree::stepped() else { return };
    tree.edit(THREE, "line 11\n", "line XI\n");
    tree.run(&["record", "3"]).must(0, &[]);
    tree.commit();
    tree.edit(TWO, "line 11\n", "line eleven\n");
    tree.run(&["carry", TWO]).must(
        1,
        &[
            "conflict      stage3-three/src/server.rs:11\n",
            "copied        3.1/src/server.rs",
            "cargo ladder record N",
        ],
    );
    tree.run(&["check", "steps"]).must(0, &[]);
    tree.edit(THREE, "line XI\n", "line XI, eleven\n");
    tree.run(&["check", "steps"]).must(1, &["stage3-three/src/server.rs:11"]);
    tree.run(&["record", "3"]).must(0, &[&format!("rewritten     {SECOND}")]);
    tree.run(&["check", "steps"]).must(0, &[]);
    assert!(step(&tree, "3.1", "src/server.rs").contains("line eleven\n"));
}

/// `record N` keeps an edit in stage N, by rewriting the patches next to it.
#[test]
fn an_edit_may_stay_where_it_is() {
    let Some(tree) = Tree::stepped() else { return };
    tree.edit(TWO, "line 1\n", "line one\n");
    tree.write("stage2-two/src/new.rs", "new\n");
    tree.run(&["record", "2"]).must(0, &[&format!("rewritten     {FIRST}")]);
    tree.run(&["check", "steps"]).must(0, &[]);
    assert_eq!(step(&tree, "3.1", "src/server.rs"), server("poll"));
    let first = tree.read(FIRST);
    assert!(first.contains("-line one\n+line 1\n"), "{first}");
    assert!(first.contains("+++ /dev/null\n@@ -1 +0,0 @@\n-new\n"), "{first}");
}

#[test]
fn carrying_twice_changes_nothing_more() {
    let Some(tree) = Tree::stepped() else { return };
    tree.edit(TWO, "line 4\n", "line four\n");
    tree.run(&["carry", TWO]).must(0, &["merged        stage3-three"]);
    let after = [tree.read(SECOND), tree.read(THREE)];
    let ran = tree.run(&["carry", TWO]);
    ran.must(0, &["up to date    stage3-three", "up to date    3.1"]);
    assert!(!ran.out.contains("rewritten"), "{}", ran.out);
    assert_eq!([tree.read(SECOND), tree.read(THREE)], after);
}

/// Other files may have edits that have not been carried yet.
#[test]
fn edits_are_carried_one_by_one() {
    let Some(tree) = Tree::stepped() else { return };
    let manifest = "stage2-two/Cargo.toml";
    tree.edit(TWO, "line 4\n", "line four\n");
    tree.edit(manifest, "[package]\n", "# first\n[package]\n");
    tree.run(&["carry", TWO]).must(0, &[]);
    tree.run(&["check", "steps"]).must(1, &["3.1 does not apply"]);
    tree.run(&["carry", manifest])
        .must(0, &[&format!("rewritten     {FIRST}")]);
    tree.run(&["check", "steps"]).must(0, &[]);
    assert!(tree.read("stage3-three/Cargo.toml").starts_with("# first\n"));
}

#[test]
fn a_failed_plan_writes_nothing() {
    let Some(tree) = Tree::stepped() else { return };
    tree.edit(SECOND, " line 4\n", " line IV\n");
    tree.edit("stage1-one/src/server.rs", "line 1\n", "line one\n");
    let before = tree.read(TWO);
    tree.run(&["carry", "stage1-one/src/server.rs"])
        .must(1, &["2-wait.patch:6: src/server.rs: hunk 1", "`line 4`"]);
    assert_eq!(tree.read(TWO), before);
    tree.run(&["record", "2"]).must(1, &["2-wait.patch:6: src/server.rs"]);
}

/// An author may still be writing a series that does not reach the stage yet.
#[test]
fn an_unfinished_series_takes_part() {
    let Some(tree) = Tree::stepped() else { return };
    tree.remove(SECOND);
    tree.commit();
    tree.edit(THREE, "line 1\n", "line one\n");
    tree.run(&["carry", THREE]).must(0, &["merged        3.1/src/server.rs"]);
    let expected = server("poll").replace("line 1\n", "line one\n");
    assert_eq!(step(&tree, "3.1", "src/server.rs"), expected);
}

/// After a merge, the stages have the edits but the patches do not.
#[test]
fn sub_steps_follow_the_stages() {
    for committed in [false, true] {
        let Some(tree) = Tree::stepped() else { return };
        for file in [TWO, THREE] {
            tree.edit(file, "line 4\n", "line four\n");
        }
        tree.edit(TWO, "line 1\n", "line one\n");
        tree.edit(THREE, "line 12\n", "line twelve\n");
        tree.write("stage2-two/src/new.rs", "new\n");
        tree.write("stage3-three/src/new.rs", "new\n");
        tree.run(&["check", "steps"]).must(1, &["cargo ladder follow"]);
        let mut words = vec!["follow"];
        if committed {
            tree.commit();
            tree.run(&words).must(1, &["2-wait.patch:6: src/server.rs"]);
            words.extend(["--since", "HEAD~1"]);
        }
        tree.run(&words).must(0, &[&format!("rewritten     {SECOND}")]);
        tree.run(&["check", "steps"]).must(0, &[]);
        let expected = server("poll")
            .replace("line 1\n", "line one\n")
            .replace("line 4\n", "line four\n")
            .replace("line 12\n", "line twelve\n");
        assert_eq!(step(&tree, "3.1", "src/server.rs"), expected);
        assert_eq!(step(&tree, "3.1", "src/new.rs"), "new\n");
        tree.run(&words).must(0, &["the sub-steps already fit the stages"]);
        tree.run(&["follow", "--since", "nothing"])
            .must(1, &["git can't find the commit `nothing`"]);
    }
}

#[test]
fn a_sub_step_that_cannot_follow_is_named() {
    let Some(tree) = Tree::stepped() else { return };
    tree.run(&["checkout", "3.1", "work"]).must(0, &[]);
    tree.edit("work/src/server.rs", "line 11\n", "line XI\n");
    tree.run(&["record", "3.1", "work"]).must(0, &[]);
    tree.commit();
    for file in [TWO, THREE] {
        tree.edit(file, "line 11\n", "line eleven\n");
    }
    tree.run(&["follow"]).must(
        1,
        &[
            &format!("rewritten     {FIRST}"),
            "conflict      3.1/src/server.rs:11\n",
            "cargo ladder record N.M DIR",
        ],
    );
    tree.run(&["check", "steps"]).must(0, &[]);
    let kept = server("poll").replace("line 11\n", "line XI\n");
    assert_eq!(step(&tree, "3.1", "src/server.rs"), kept);
}
