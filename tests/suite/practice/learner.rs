//! What a learner types, and what comes back.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

use conversations::variant::files::Files;
use conversations::variant::stages::Ladder;
use conversations::variant::task::Kind;
use tempfile::TempDir;

/// A bug whose check takes little time.
const BUG: &str = "never-hangs-up";

/// A bug of stage 2 whose check needs strace(1).
const TRACED: &str = "exits-at-night";

/// The stage of [`BUG`], and the file with the bug.
const STAGE: &str = "stage4-epoll-et";
const FILE: &str = "src/connection.rs";

/// Another file, which has nothing to do with the bug.
const RANGE: &str = "src/http/range.rs";

/// A learner with a folder.
struct Learner(TempDir);

/// What a command has printed, and its exit code.
struct Ran {
    code: Option<i32>,
    said: String,
}

impl Learner {
    /// Below the workspace, as `practice/` is: cargo reads its settings there
    /// as well.
    fn new() -> Self {
        let below = Path::new(env!("CARGO_TARGET_TMPDIR"));
        fs::create_dir_all(below).unwrap();
        Self(tempfile::tempdir_in(below).unwrap())
    }

    /// Runs cargo in the crate of a task.
    fn cargo(&self, name: &str, words: &[&str]) -> Ran {
        let output = Command::new(env!("CARGO"))
            .args(words)
            .current_dir(self.0.path().join(name))
            .env_remove("CARGO_TARGET_DIR")
            .output()
            .unwrap();
        Ran::of(&output)
    }

    fn types(&self, words: &[&str]) -> Ran {
        let path = env::var_os("PATH").unwrap_or_default();
        self.types_with(&path, words)
    }

    fn types_with(&self, path: &OsStr, words: &[&str]) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_practice"))
            .env("PATH", path)
            .env_remove("REQUIRE_TOOLS")
            .args(words)
            .arg("--dir")
            .arg(self.0.path())
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        Ran::of(&output)
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.0.path().join(file)).unwrap()
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.0.path().join(file), text).unwrap();
    }
}

impl Ran {
    fn of(output: &Output) -> Self {
        let said = [&output.stdout[..], &output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        Self { code: output.status.code(), said }
    }

    /// Fails unless it ended with this exit code and said all of this.
    #[track_caller]
    fn must(&self, code: i32, parts: &[&str]) {
        let said = &self.said;
        assert_eq!(self.code, Some(code), "the exit code, after:\n{said}");
        for part in parts {
            assert!(said.contains(part), "`{part}` is missing in:\n{said}");
        }
    }
}

fn ladder() -> Ladder {
    Ladder::find(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Every patch applies to its stage, and every stage has bugs and exercises.
#[test]
fn there_is_something_to_do_in_every_stage() {
    let ladder = ladder();
    let tasks = ladder.tasks().unwrap();
    for task in tasks.values() {
        for variant in [task.start(&ladder), task.solved(&ladder)] {
            let files = variant.and_then(|it| it.files());
            assert!(files.is_ok(), "{}", files.unwrap_err());
        }
    }
    for stage in &ladder.stages {
        for (kind, least) in [(Kind::Bug, 1), (Kind::Exercise, 3)] {
            let of = |it: &Kind| *it == kind;
            let count = tasks.values().filter(|it| it.stage == *stage);
            let count = count.filter(|it| of(&it.kind)).count();
            let (name, kind) = (&stage.name, kind.folder());
            assert!(count >= least, "{name} has {count} {kind}");
        }
    }
    let learner = Learner::new();
    let names: Vec<&str> = tasks.keys().map(String::as_str).collect();
    learner.types(&["list"]).must(0, &names);
    learner.types(&["list", "4"]).must(0, &[BUG, STAGE]);
}

#[test]
fn mistakes_are_explained() {
    let learner = Learner::new();
    let ran = learner.types(&["start", "never-hang-up"]);
    ran.must(2, &["there is no task never-hang-up", "did you mean", BUG]);
    learner.types(&["start", "xyzzy"]).must(2, &["cargo practice list"]);
    learner.types(&["list", "7"]).must(2, &["the stages are 1 to 6"]);
    learner.types(&["check"]).must(2, &["not started anything yet"]);
    learner.types(&["check", BUG]).must(2, &["cargo practice start"]);
    learner.types(&["reset", BUG]).must(2, &["cargo practice start"]);
}

#[test]
fn work_is_never_lost() {
    let learner = Learner::new();
    learner.types(&["start", BUG]).must(0, &["CLOSE-WAIT"]);
    let file = format!("{BUG}/{FILE}");
    learner.write(&file, "half done");
    learner.types(&["start", BUG]).must(1, &["already", "reset"]);
    assert_eq!(learner.read(&file), "half done");
    learner.types(&["reset"]).must(0, &[".old-1"]);
    assert_eq!(learner.read(&format!("{BUG}.old-1/{FILE}")), "half done");
    assert!(learner.read(&file).contains("fn receive"));
    learner.types(&["list"]).must(0, &["> never-hangs-up"]);
}

#[test]
fn hints_come_one_at_a_time() {
    let tasks = ladder().tasks().unwrap();
    let words = |field: &str| tasks[BUG].says(field)[..20].to_owned();
    let learner = Learner::new();
    learner.types(&["start", BUG]).must(0, &[]);
    let note = learner.read(&format!("{BUG}/README.md"));
    assert!(
        note.contains(&words("Symptom")) && !note.contains(&words("Hint 1"))
    );
    let first = learner.types(&["hint"]);
    first.must(0, &[&words("Hint 1")]);
    assert!(!first.said.contains(&words("Hint 2")));
    learner.types(&["hint", BUG]).must(0, &[&words("Hint 2")]);
    learner.types(&["hint"]).must(0, &["no more hints"]);
    let parts = [&words("Cause"), "READABLE", "--test half_close"];
    learner.types(&["solution"]).must(0, &parts);
}

/// A check that was skipped proves nothing: nobody may be told that a bug is
/// fixed because strace(1) is missing.
#[test]
fn without_its_tool_a_check_has_no_verdict() {
    let learner = Learner::new();
    let tools = tempfile::tempdir().unwrap();
    for folder in env::split_paths(&env::var_os("PATH").unwrap()) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_name() != "strace" {
                // The first folder that has a program wins, as in PATH.
                let link = tools.path().join(entry.file_name());
                let _ = symlink(entry.path(), link);
            }
        }
    }
    let path = tools.path().as_os_str();
    learner.types(&["start", TRACED]).must(0, &[]);
    let parts = [TRACED, "can't be checked on this machine", "strace"];
    learner.types_with(path, &["check"]).must(1, &parts);
    learner.types(&["list", "2"]).must(0, &[&format!("> {TRACED}")]);
    let parts = ["SKIPPED", "1 skipped"];
    learner.types_with(path, &["verify", TRACED]).must(0, &parts);
}

/// The way from the bug to the solution, with a crate that does not build and
/// another mistake in between.
#[test]
fn found_and_fixed() {
    let ladder = ladder();
    let learner = Learner::new();
    learner.types(&["start", BUG]).must(0, &[]);
    let file = format!("{BUG}/{FILE}");
    // The README's commands work inside the crate.
    learner.cargo(BUG, &["run", "--", "--help"]).must(0, &["--listen"]);
    learner.cargo(BUG, &["practice", "list"]).must(0, &[BUG]);
    let buggy = learner.read(&file);
    learner.write(&file, &format!("{buggy}fn unfinished("));
    learner.types(&["check"]).must(1, &["error", "does not build yet"]);
    learner.write(&file, &buggy);
    let parts = ["never closes the connection", "The bug is still there"];
    learner.types(&["check"]).must(1, &parts);
    let stage: Files = ladder.stages[3].files().unwrap();
    let fixed = &stage[FILE];
    learner.write(&file, fixed);
    let range = format!("{BUG}/{RANGE}");
    let right = learner.read(&range);
    let wrong = right.replace("last.saturating_add(1)", "last");
    assert_ne!(right, wrong);
    learner.write(&range, &wrong);
    let parts = ["ranges", "The bug is gone, but something else broke"];
    learner.types(&["check"]).must(1, &parts);
    learner.write(&range, &right);
    learner.types(&["check"]).must(0, &["Found and fixed, without a hint"]);
    learner.types(&["list"]).must(0, &["* never-hangs-up", "1 of"]);
}
