//! `cargo ladder test` builds and tests the sub-steps.

use crate::tree::{FIRST, Ran, Tree, ran};

const MAIN: &str = "fn main() {}\n";

const TEST: &str = "\
#[test]
fn sub_step() {
    let step = std::env::var(\"SUB_STEP\").unwrap();
    assert_eq!(step, \"3.1\");
    println!(\"it is {step}\");
}

#[test]
fn another() {}
";

/// Three crates that build, with a sub-step between two of them.
fn tree() -> Option<Tree> {
    let tree = Tree::stepped()?;
    for name in crate::tree::STAGES {
        let manifest = format!(
            "[package]\nname = \"{name}\"\nedition = \"2024\"\n\
             version.workspace = true\n"
        );
        tree.write(&format!("{name}/Cargo.toml"), &manifest);
        tree.write(&format!("{name}/src/main.rs"), MAIN);
        tree.write(&format!("{name}/tests/http.rs"), TEST);
    }
    // Cargo would look for the packages that this file lists.
    tree.remove("Cargo.lock");
    std::fs::remove_dir_all(tree.root.join("stage3-three/steps")).unwrap();
    record(&tree, &["--name", "timers"], MAIN);
    tree.run(&["record", "3.2", "stage3-three", "--name", "wait"])
        .must(0, &["complete"]);
    Some(tree)
}

/// Records 3.1: a copy of stage 2 with this program.
fn record(tree: &Tree, more: &[&str], main: &str) {
    for folder in ["src", "tests"] {
        let mut cp = tree.command("cp");
        cp.args(["-r", &format!("stage2-two/{folder}"), "work"]);
        std::fs::create_dir_all(tree.root.join("work")).unwrap();
        ran(&mut cp).must(0, &[]);
    }
    tree.write("work/Cargo.toml", &tree.read("stage3-three/Cargo.toml"));
    tree.write("work/src/main.rs", main);
    tree.run(&[&["record", "3.1", "work"], more].concat()).must(0, &[]);
}

fn test(tree: &Tree, words: &[&str]) -> Ran {
    let mut command = tree.command(env!("CARGO_BIN_EXE_ladder"));
    command.arg("test").args(words).env_remove("SUB_STEP");
    ran(command.env("CARGO_TARGET_DIR", tree.root.join("target")))
}

#[test]
fn a_sub_step_is_built_and_tested() {
    let Some(tree) = tree() else { return };
    let title = "Title: A timer";
    tree.edit(FIRST, "Title: TODO", title);
    let ran = test(&tree, &[]);
    ran.must(0, &["2 passed", "passed  3.1 A timer ("]);
    assert!(ran.err.starts_with("\n== 3.1 A timer\n"), "{}", ran.err);
    assert!(!ran.out.contains("3.2"), "3.2 is the stage itself: {}", ran.out);
    let program = "target/variants/target/debug/stage3-three";
    assert!(tree.root.join(program).is_file());
    let written = "target/variants/3.1/src/main.rs";
    let old = tree.root.join(written).metadata().unwrap().modified().unwrap();

    test(&tree, &["3.1", "--", "another"]).must(0, &["1 passed", "1 filtered"]);
    let new = tree.root.join(written).metadata().unwrap().modified().unwrap();
    assert_eq!(old, new, "an unchanged file was written again");

    // 3.1 and 3.2 share a target folder, and each builds from its own sources.
    test(&tree, &["3.2"]).must(1, &["left: \"3.2\"", "failed  3.2 TODO ("]);

    record(&tree, &[], "fn main() {\n    let a = 1;\n}\n");
    let says = ["unused variable: `a`", "3.1 does not build without warnings"];
    test(&tree, &["3.1"]).must(1, &says);
    test(&tree, &["3.1"]).must(1, &says);
    record(&tree, &[], "fn main() {\n    a\n}\n");
    test(&tree, &["3.1"]).must(1, &["cannot find value `a`", "3.1 does not"]);
}

#[test]
fn there_may_be_nothing_to_test() {
    test(&Tree::new(), &[]).must(0, &["There are no sub-steps to test."]);
    test(&Tree::new(), &["3.1"])
        .must(2, &["there is no 3.1: choose one of 1, 2"]);
}
