//! What `cargo ladder` and `cargo ladder diff` print.

use std::fs::{self, File};
use std::io::Read;
use std::process::Stdio;

use nix::pty::openpty;

use crate::tree::{STAGES, Tree, ran};

const TABLE: &str = "\
stage1-one -> stage2-two

    Cargo.toml                           +1     -1
        Name.
    src/server.rs                        +1     -1
        It polls.
    all of src/                          +1     -1  2 of 2 lines
    all                                  +2     -2

stage2-two -> stage3-three

    Cargo.toml                           +1     -1
        Name.
    src/server.rs                        +1     -1
        It waits.
    src/timers.rs                        +1     -0
        Clients have deadlines.
    all of src/                          +2     -1  3 of 3 lines
    all                                  +3     -2

the same in all 3 stages

    src/http/mod.rs tests/http.rs
";

const STEP: &str = "\
diff -ruN stage2-two/Cargo.toml stage3-three/Cargo.toml
--- stage2-two/Cargo.toml
+++ stage3-three/Cargo.toml
@@ -1 +1 @@
-stage2-two
+stage3-three
diff -ruN stage2-two/src/server.rs stage3-three/src/server.rs
--- stage2-two/src/server.rs
+++ stage3-three/src/server.rs
@@ -3,7 +3,7 @@
 line 3
 line 4
 line 5
-poll
+wait
 line 7
 line 8
 line 9
diff -ruN stage2-two/src/timers.rs stage3-three/src/timers.rs
--- /dev/null
+++ stage3-three/src/timers.rs
@@ -0,0 +1 @@
+deadline
";

#[test]
fn the_table_has_every_step_and_every_file() {
    let tree = Tree::new();
    for folder in ["", "tests", "stage2-two/src/http"] {
        let ran = tree.run_in(folder, &[]);
        ran.must(0, &[]);
        assert_eq!(ran.out, TABLE, "in `{folder}`");
    }
    tree.edit("stage2-two/tests/http.rs", "same", "other");
    tree.run(&[]).must(0, &["tests/http.rs", "not declared"]);
}

#[test]
fn reasons_are_wrapped_at_80_columns() {
    let tree = Tree::new();
    // On the line before it, the first long word would end in column 81. The
    // second one ends in column 80.
    let (long, longer) = ("x".repeat(64), "y".repeat(50));
    let why = format!("It polls {long} precisely 80 columns {longer}.");
    tree.edit("tests/ladder.toml", "It polls.", &why);
    let lines = ["It polls", &long, &format!("precisely 80 columns {longer}.")]
        .map(|line| format!("        {line}\n"));
    assert_eq!(lines[2].len(), 80 + 1, "with its line end");
    tree.run(&[]).must(0, &[&lines.concat()]);
}

#[test]
fn a_step_is_shown_as_diff_shows_it() {
    let ran = Tree::new().run(&["diff", "3"]);
    ran.must(0, &[]);
    assert_eq!(ran.out, STEP);
}

/// The diff is complete: applied to stage N-1, it produces stage N.
#[test]
fn a_step_can_be_applied() {
    let Some(tree) = Tree::committed() else { return };
    tree.write("stage2-two/src/ends.rs", "a\nb");
    tree.write("stage3-three/src/ends.rs", "a\nb\nc");
    tree.write("stage2-two/src/gone.rs", "gone\n");
    apply(&tree, 3, STAGES[1], STAGES[2]);
}

#[test]
fn each_real_step_can_be_applied() {
    let real = Tree::real();
    let mut stages: Vec<String> = fs::read_dir(&real.root)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("stage"))
        .collect();
    stages.sort();
    assert!(stages.len() > 1, "{stages:?}");
    for (number, pair) in (2..).zip(stages.windows(2)) {
        apply(&real, number, &pair[0], &pair[1]);
    }
}

fn apply(from: &Tree, number: u32, before: &str, after: &str) {
    let Some(copy) = Tree::committed() else { return };
    let shown = from.run(&["diff", &number.to_string()]);
    shown.must(0, &["diff -ruN"]);
    copy.write("step", &shown.out);
    let parts = ["Cargo.toml", "src", "tests"];
    fs::create_dir(copy.root.join("work")).unwrap();
    for part in parts {
        let there = from.root.join(before).join(part);
        let mut cp = copy.command("cp");
        cp.args(["-r"]).arg(there).arg("work");
        ran(&mut cp).must(0, &[]);
    }
    copy.git(&["apply", "--whitespace=nowarn", "--directory=work", "step"]);
    for part in parts {
        let mut diff = copy.command("diff");
        diff.args(["-r", "--exclude=.*", &format!("work/{part}")]);
        diff.arg(from.root.join(after).join(part));
        let ran = ran(&mut diff);
        assert_eq!(ran.code, 0, "step {number}: {}", ran.out);
    }
}

#[test]
fn one_file_is_found_by_any_of_its_names() {
    let tree = Tree::new();
    let names = ["src/server.rs", "server.rs", "stage3-three/src/server.rs"];
    for name in names {
        let ran = tree.run(&["diff", "3", name]);
        ran.must(0, &["-poll\n+wait\n"]);
        assert!(!ran.out.contains("timers.rs"), "{}", ran.out);
    }
    tree.run(&["diff", "3", "mod.rs"])
        .must(0, &["src/http/mod.rs is the same in stage2-two and stage3-"]);
    tree.write("stage3-three/tests/server.rs", "another\n");
    tree.run(&["diff", "3", "server.rs"]).must(
        2,
        &["`server.rs` is ambiguous: src/server.rs or tests/server.rs?"],
    );
}

#[test]
fn colour_is_for_terminals() {
    let tree = Tree::new();
    let plain = tree.run(&["diff", "3"]);
    assert!(!plain.out.contains('\x1b'), "{}", plain.out);

    let shown = on_a_terminal(&tree, None);
    assert!(shown.contains("\x1b[31m-poll\x1b[0m\r\n"), "{shown:?}");
    assert!(shown.contains("\x1b[32m+wait\x1b[0m\r\n"), "{shown:?}");
    assert!(shown.contains("\r\n line 5\r\n"), "{shown:?}");
    let shown = on_a_terminal(&tree, Some(""));
    assert!(shown.contains("\x1b[31m-poll"), "an empty NO_COLOR has no effect");
    let shown = on_a_terminal(&tree, Some("1"));
    assert_eq!(shown, plain.out.replace('\n', "\r\n"));
}

/// The output of `cargo ladder diff 3` on a terminal.
fn on_a_terminal(tree: &Tree, no_color: Option<&str>) -> String {
    let terminal = openpty(None, None).unwrap();
    let mut command = tree.command(env!("CARGO_BIN_EXE_ladder"));
    command.args(["diff", "3"]).env_remove("NO_COLOR");
    if let Some(value) = no_color {
        command.env("NO_COLOR", value);
    }
    let mut child =
        command.stdout(Stdio::from(terminal.slave)).spawn().unwrap();
    // Closes our copy of the slave. When the child exits, no other copy is
    // left, and a read from the master fails with EIO.
    drop(command);
    let mut shown = Vec::new();
    let _ = File::from(terminal.master).read_to_end(&mut shown);
    assert!(child.wait().unwrap().success());
    String::from_utf8(shown).unwrap()
}

#[test]
fn a_reader_that_exits_early_is_not_an_error() {
    let tree = Tree::new();
    let mut command = tree.command(env!("CARGO_BIN_EXE_ladder"));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ran = ran(command.arg("diff").arg("3").stdout(writer));
    ran.must(0, &[]);
    assert_eq!(ran.err, "");
}
