//! `cargo ladder carry` applies an edit to the other stages.

use crate::tree::{STAGES, Tree, server};

/// A file that is the same in all stages.
const SHARED: &str = "src/http/mod.rs";

fn own(stage: usize) -> String {
    format!("{}/src/server.rs", STAGES[stage])
}

#[test]
fn an_equal_file_is_replaced() {
    let Some(tree) = Tree::committed() else { return };
    tree.write(&format!("stage2-two/{SHARED}"), "a\nB\nc\nd");
    let ran = tree.run(&["carry", &format!("stage2-two/{SHARED}")]);
    ran.must(
        0,
        &[
            &format!("copied        stage1-one/{SHARED}\n"),
            &format!("copied        stage3-three/{SHARED}\n"),
        ],
    );
    for name in STAGES {
        assert_eq!(tree.read(&format!("{name}/{SHARED}")), "a\nB\nc\nd");
    }
    tree.run(&["check", "files"]).must(0, &[]);
}

#[test]
fn a_file_that_differs_elsewhere_is_merged() {
    let Some(tree) = Tree::committed() else { return };
    tree.edit(&own(1), "line 1\n", "line 1, edited\n");
    tree.edit(&own(1), "line 9\n", "");
    let ran = tree.run(&["carry", &own(1)]);
    ran.must(
        0,
        &[
            &format!("merged        {}\n", own(0)),
            &format!("merged        {}\n", own(2)),
        ],
    );
    for (stage, kept) in ["block", "poll", "wait"].into_iter().enumerate() {
        let expected = server(kept)
            .replace("line 1\n", "line 1, edited\n")
            .replace("line 9\n", "");
        assert_eq!(tree.read(&own(stage)), expected);
    }
    tree.run(&["check", "files"]).must(0, &[]);
}

#[test]
fn a_conflict_is_reported_with_its_lines() {
    let Some(tree) = Tree::committed() else { return };
    // In stage 1 the same lines have other numbers, and stage 3 doesn't have
    // them at all.
    tree.write(&own(0), &format!("top\ntop\n{}", server("poll")));
    tree.write(&own(2), &server("wait").replace("line 11\n", "line XI\n"));
    tree.commit();
    let before = tree.read(&own(2));
    tree.edit(&own(1), "poll", "poll(2)");
    tree.edit(&own(1), "line 11\n", "line eleven\n");
    let ran = tree.run(&["carry", &own(1)]);
    ran.must(
        1,
        &[
            &format!("merged        {}\n", own(0)),
            &format!("conflict      {0}:6 {0}:11\n", own(2)),
            &format!("git diff {}", own(1)),
        ],
    );
    assert_eq!(tree.read(&own(2)), before);
    let first = tree.read(&own(0));
    assert!(first.contains("poll(2)\n"), "{first}");
    assert!(first.contains("line eleven\n"), "{first}");
}

#[test]
fn a_stage_without_the_file_is_left_alone() {
    let Some(tree) = Tree::committed() else { return };
    let file = "src/timers.rs";
    tree.write(&format!("stage2-two/{file}"), "deadline\n");
    tree.commit();
    tree.write(&format!("stage3-three/{file}"), "deadline, edited\n");
    tree.run(&["carry", &format!("stage3-three/{file}")]).must(
        0,
        &["no such file  stage1-one/src/t", "copied        stage2-two/src/t"],
    );
    assert!(!tree.root.join("stage1-one/src/timers.rs").exists());
    assert_eq!(tree.read("stage2-two/src/timers.rs"), "deadline, edited\n");
}

#[test]
fn carrying_twice_changes_nothing_more() {
    let Some(tree) = Tree::committed() else { return };
    tree.edit(&own(1), "line 1\n", "line 1, edited\n");
    tree.edit(&own(2), "line 1\n", "line 1, edited\n");
    tree.run(&["carry", &own(1)]).must(
        0,
        &[
            &format!("merged        {}", own(0)),
            &format!("up to date    {}", own(2)),
        ],
    );
    let after = [tree.read(&own(0)), tree.read(&own(2))];
    tree.run(&["carry", &own(1)]).must(
        0,
        &[
            &format!("up to date    {}", own(0)),
            &format!("up to date    {}", own(2)),
        ],
    );
    assert_eq!([tree.read(&own(0)), tree.read(&own(2))], after);
}

#[test]
fn a_stage_that_was_never_committed_takes_part() {
    let Some(tree) = Tree::committed() else { return };
    tree.write("stage4-four/src/server.rs", &server("drain"));
    tree.edit(&own(1), "line 1\n", "line 1, edited\n");
    tree.run(&["carry", &own(1)])
        .must(0, &["merged        stage4-four/src/server.rs"]);
    let file = tree.read("stage4-four/src/server.rs");
    assert_eq!(file, server("drain").replace("line 1\n", "line 1, edited\n"));
}

#[test]
fn a_path_may_be_relative_to_the_current_folder_or_the_root() {
    let places = [
        ("", "stage2-two/src/http/mod.rs"),
        ("stage2-two", "src/http/mod.rs"),
        ("stage2-two/src/http", "mod.rs"),
        ("stage3-three", "../stage2-two/src/http/mod.rs"),
        ("tests", "stage2-two/src/http/mod.rs"),
    ];
    for (folder, path) in places {
        let Some(tree) = Tree::committed() else { return };
        tree.write(&format!("stage2-two/{SHARED}"), "edited\n");
        tree.run_in(folder, &["carry", path]).must(0, &[]);
        assert_eq!(tree.read(&format!("stage1-one/{SHARED}")), "edited\n");
    }
}

/// The workspace may be a subfolder of a git repository.
#[test]
fn a_workspace_may_be_inside_a_repository() {
    let Some(outer) = Tree::committed() else { return };
    for name in STAGES {
        outer.write(&format!("inner/{name}/a b.rs"), "old\n");
    }
    outer.write("inner/tests/ladder.toml", "");
    outer.commit();
    outer.write("inner/stage1-one/a b.rs", "new\n");
    outer.run_in("inner", &["carry", "stage1-one/a b.rs"]).must(0, &[]);
    assert_eq!(outer.read("inner/stage3-three/a b.rs"), "new\n");
}
