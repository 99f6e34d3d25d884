//! `cargo ladder checkout` writes a crate that builds outside the workspace.

use std::fs;

use conversations::variant::Variant;
use conversations::variant::patch::Patch;
use conversations::variant::stages::Ladder;

use crate::tree::{STAGES, Tree, server};

const README: &str = "\
# 3.1 A timer

Time passes.
";

/// The path of the crate's folder, as an argument.
fn folder(tree: &Tree) -> String {
    tree.root.join("work").to_string_lossy().into_owned()
}

#[test]
fn a_sub_step_is_a_crate() {
    let Some(tree) = Tree::stepped() else { return };
    let root = tree.root.to_string_lossy();
    tree.run(&["checkout", "3.1", &folder(&tree)]).must(0, &["3.1 is in"]);
    let manifest = format!(
        r#"[package]
name = "stage3-three"
version = "0.1.0+3.1"

[dependencies]
one = "1.0"
two = {{ features = ["a", "b"], version = "2.0" }}

[dev-dependencies]
conversations = {{ path = "{root}/tests" }}
last = {{ path = "{root}/stage1-one" }}

[[test]]
name = "http"
harness = false

[lints.rust]
unsafe_code = "deny"

[profile.dev]
debug = false

[workspace]
resolver = "3"
"#
    );
    assert_eq!(tree.read("work/Cargo.toml"), manifest);
    assert_eq!(tree.read("work/Cargo.lock"), "# locked\n");
    assert_eq!(tree.read("work/src/server.rs"), server("poll"));
    assert_eq!(tree.read("work/src/timers.rs"), "tick\n");
    assert_eq!(tree.read("work/src/http/mod.rs"), "a\nb\nc\n");
    assert_eq!(tree.read("work/tests/http.rs"), "same\n");
    let config = "[env]\nSUB_STEP = \"3.1\"\n";
    assert_eq!(tree.read("work/.cargo/config.toml"), config);
    let readme = tree.read("work/README.md");
    assert!(readme.starts_with(README), "{readme}");
    for part in [
        "    cargo run\n    cargo run -- --help\n",
        "The server does not wait for it.\n",
        "It is stage2-two plus",
        "cargo ladder diff 3.1",
        &format!("`{root}/tests`"),
    ] {
        assert!(readme.contains(part), "no `{part}` in:\n{readme}");
    }
}

#[test]
fn a_stage_is_a_crate_with_its_labs() {
    let Some(tree) = Tree::stepped() else { return };
    tree.write("stage2-two/examples/lab.rs", "lab\n");
    tree.run(&["checkout", "2", "work"]).must(0, &[]);
    assert_eq!(tree.read("work/src/server.rs"), server("poll"));
    assert_eq!(tree.read("work/examples/lab.rs"), "lab\n");
    assert!(tree.read("work/Cargo.toml").contains("version = \"0.1.0+2\"\n"));
    assert!(tree.read("work/README.md").starts_with("# stage2-two\n"));
    assert!(!tree.root.join("work/.cargo").exists());
}

#[test]
fn the_last_sub_step_is_the_stage() {
    let Some(tree) = Tree::stepped() else { return };
    tree.run(&["checkout", "3.2", "work"]).must(0, &[]);
    for file in ["src/server.rs", "src/timers.rs", "tests/http.rs"] {
        let stage = tree.read(&format!("stage3-three/{file}"));
        assert_eq!(tree.read(&format!("work/{file}")), stage);
    }
}

#[test]
fn nothing_is_overwritten() {
    let Some(tree) = Tree::stepped() else { return };
    tree.write("work/src/server.rs", "mine\n");
    let says = ["work is not empty, so nothing was written"];
    tree.run(&["checkout", "3.1", "work"]).must(1, &says);
    assert_eq!(tree.read("work/src/server.rs"), "mine\n");
    assert_eq!(fs::read_dir(tree.root.join("work")).unwrap().count(), 1);
    // An empty folder is allowed, a file is not.
    fs::create_dir(tree.root.join("empty")).unwrap();
    tree.run(&["checkout", "3.1", "empty"]).must(0, &[]);
    tree.write("file", "mine\n");
    tree.run(&["checkout", "3.1", "file"]).must(1, &["Not a directory"]);
    assert_eq!(tree.read("file"), "mine\n");
}

#[test]
fn a_missing_tree_is_a_usage_error() {
    let Some(tree) = Tree::stepped() else { return };
    for number in ["0", "4", "3.0", "3.3", "2.1"] {
        let says =
            format!("there is no {number}: choose one of 1, 2, 3.1, 3.2, 3");
        tree.run(&["checkout", number, "work"]).must(2, &[&says]);
    }
    tree.run(&["checkout", "3.1"]).must(2, &["<DIR>"]);
    assert!(!tree.root.join("work").exists());
}

#[test]
fn a_setting_that_cannot_be_inherited_is_named() {
    let Some(tree) = Tree::stepped() else { return };
    tree.edit("Cargo.toml", "one = \"1.0\"\n", "");
    tree.run(&["checkout", "1", "work"])
        .must(1, &["the workspace has no dependency `one` to inherit"]);
    tree.edit("Cargo.toml", "version = \"0.1.0\"\n", "");
    tree.run(&["checkout", "1", "work"])
        .must(1, &["the workspace has no `version` to inherit"]);
    tree.edit("Cargo.toml", "[workspace]", "[workspace");
    let says = ["Cargo.toml: TOML parse error"];
    tree.run(&["checkout", "1", "work"]).must(1, &says);
    assert!(!tree.root.join("work").exists());
    let file = format!("{}/Cargo.toml", STAGES[0]);
    tree.write(&file, "");
    tree.write("Cargo.toml", "");
    let says = ["stage1-one/Cargo.toml: there is no [package]"];
    tree.run(&["checkout", "1", "work"]).must(1, &says);
}

/// The library applies any patch to any tree. Planted bugs work this way.
#[test]
fn a_variant_may_have_a_patch_of_its_own() {
    let Some(tree) = Tree::stepped() else { return };
    let bug = "Symptom: It never ticks.\n---\n--- a/src/timers.rs\n\
               +++ b/src/timers.rs\n@@ -1 +1 @@\n-tick\n+tock\n";
    let file = "stage3-three/bugs/never-ticks.patch";
    tree.write(file, bug);
    let ladder = Ladder::find(&tree.root).unwrap();
    let patch = Patch::load(&tree.root.join(file)).unwrap();
    assert_eq!(patch.header.paragraph("Symptom"), "It never ticks.");
    let number = "3.1".parse().unwrap();
    let step = Variant::new(&ladder, number).unwrap();
    assert_eq!(step.files().unwrap()["src/timers.rs"], "tick\n");
    let variant = step.with(patch.clone());
    assert_eq!(variant.files().unwrap()["src/timers.rs"], "tock\n");
    let folder = tree.root.join("work");
    variant.write(&folder).unwrap();
    assert_eq!(tree.read("work/src/timers.rs"), "tock\n");
    let version = "version = \"0.1.0+never-ticks\"\n";
    assert!(tree.read("work/Cargo.toml").contains(version));
    // Another variant in the same folder removes the old one's files.
    let stage = Variant::new(&ladder, "2".parse().unwrap()).unwrap();
    stage.write(&folder).unwrap();
    assert!(!folder.join("src/timers.rs").exists());
    let misfit = stage.with(patch).files().unwrap_err();
    assert!(misfit.contains("never-ticks.patch:3: src/timers.rs"), "{misfit}");
}
