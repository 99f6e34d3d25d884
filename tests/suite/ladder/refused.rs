//! What `cargo ladder` refuses, without touching a file.

use std::fs;

use crate::tree::{STAGES, Tree, ran};

const EDITED: &str = "stage2-two/src/server.rs";

#[test]
fn different_edits_in_several_stages_are_refused() {
    let Some(tree) = Tree::committed() else { return };
    tree.edit(EDITED, "line 1\n", "line 1, edited\n");
    tree.edit("stage3-three/src/server.rs", "line 9\n", "another\n");
    let files = STAGES.map(|name| format!("{name}/src/server.rs"));
    let before = files.each_ref().map(|file| tree.read(file));
    tree.run(&["carry", EDITED]).must(
        1,
        &[
            "the same file has other uncommitted edits",
            "    stage3-three/src/server.rs\n",
            "nothing was changed",
        ],
    );
    assert_eq!(files.each_ref().map(|file| tree.read(file)), before);
}

#[test]
fn an_additional_edit_elsewhere_is_refused() {
    let Some(tree) = Tree::committed() else { return };
    tree.edit(EDITED, "line 1\n", "line 1, edited\n");
    let other = "stage1-one/src/server.rs";
    tree.edit(other, "line 1\n", "line 1, edited\n");
    tree.edit(other, "line 12\n", "");
    tree.run(&["carry", EDITED]).must(1, &[other]);
}

#[test]
fn without_an_edit_there_is_nothing_to_carry() {
    let Some(tree) = Tree::committed() else { return };
    tree.run(&["carry", EDITED]).must(1, &["there is no edit to carry"]);
    tree.write("stage2-two/src/new.rs", "new\n");
    tree.run(&["carry", "stage2-two/src/new.rs"])
        .must(1, &["is not in the last commit"]);
}

#[test]
fn a_file_outside_the_stages_is_a_usage_error() {
    let Some(tree) = Tree::committed() else { return };
    tree.run(&["carry"]).must(2, &["Usage: cargo ladder carry <FILE>"]);
    tree.run(&["carry", "stage2-two/src/serve.rs"])
        .must(2, &["there is no file stage2-two/src/serve.rs"]);
    tree.run(&["carry", "stage2-two/src"]).must(2, &["there is no file"]);
    tree.run(&["carry", "tests/ladder.toml"])
        .must(2, &["tests/ladder.toml is not in any stage"]);
    tree.run(&["carry", "/dev/null"]).must(2, &["there is no file /dev/null"]);
}

#[test]
fn a_usage_error_lists_the_valid_choices() {
    let tree = Tree::new();
    tree.run(&["diff"]).must(2, &["Usage: cargo ladder diff <N> [FILE]"]);
    tree.run(&["diff", "two"]).must(2, &["invalid value 'two'"]);
    for number in ["0", "1", "4"] {
        let says = format!("there is no {number}: choose one of 2, 3\n");
        tree.run(&["diff", number]).must(2, &[&says]);
    }
    tree.run(&["diff", "2", "nothing.rs"]).must(2, &["a file `nothing.rs`"]);
    tree.run(&["differ"]).must(2, &["unrecognized subcommand 'differ'"]);
    tree.run(&["check", "all"])
        .must(2, &["[possible values: files, budget, steps]"]);
}

#[test]
fn without_a_repository_it_says_so() {
    let Some(tree) = Tree::committed() else { return };
    fs::remove_dir_all(tree.root.join(".git")).unwrap();
    tree.edit(EDITED, "line 1\n", "line 1, edited\n");
    tree.run(&["carry", EDITED]).must(1, &["not a git repository"]);
    tree.git(&["init", "--quiet"]);
    tree.run(&["carry", EDITED]).must(1, &["does not have any commits"]);
    // The other commands need no repository.
    tree.run(&["check", "files"]).must(0, &[]);
    tree.run(&["diff", "2"]).must(0, &["+line 1, edited"]);
}

#[test]
fn without_git_it_says_so() {
    let tree = Tree::new();
    let mut command = tree.command(env!("CARGO_BIN_EXE_ladder"));
    command.args(["carry", EDITED]).env("PATH", &tree.root);
    ran(&mut command).must(1, &["cannot run git: No such file"]);
}

#[test]
fn outside_a_workspace_it_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Tree::new().command(env!("CARGO_BIN_EXE_ladder"));
    command.current_dir(folder.path());
    ran(&mut command).must(1, &["there is no tests/ladder.toml in "]);
}
