//! A small workspace with three stages, in which `cargo ladder` runs.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use conversations::stage::{has_tool, skip};
use tempfile::TempDir;

/// A workspace.
pub struct Tree {
    /// Its root folder.
    pub root: PathBuf,
    _folder: Option<TempDir>,
}

/// Exit code and output of a command.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Panics unless the command exited with this code and printed all of
    /// `parts`.
    #[track_caller]
    pub fn must(&self, code: i32, parts: &[&str]) {
        let said = format!("{}{}", self.out, self.err);
        assert_eq!(self.code, code, "wrong exit code; the output:\n{said}");
        for part in parts {
            assert!(said.contains(part), "no `{part}` in the output:\n{said}");
        }
    }
}

/// The `ladder.toml` of the small workspace.
pub const DECLARED: &str = r#"
[stage2-two]
budget = 2
changes = { "Cargo.toml" = "Name.", "src/server.rs" = "It polls." }

[stage3-three]
budget = 3
changes = { "Cargo.toml" = "Name.", "src/server.rs" = "It waits." }
appears = { "src/timers.rs" = "Clients have deadlines." }
"#;

/// The manifest at the workspace root.
pub const WORKSPACE: &str = r#"
[workspace]
resolver = "3"
members = ["stage1-one", "stage2-two", "stage3-three", "tests"]

[workspace.package]
version = "0.1.0"

[workspace.dependencies]
conversations = { path = "tests" }
one = "1.0"
two = { version = "2.0", features = ["a"] }

[workspace.lints.rust]
unsafe_code = "deny"

[profile.dev]
debug = false
"#;

/// The manifest of a member.
pub fn manifest(name: &str) -> String {
    format!(
        r#"[package]
name = "{name}"
version.workspace = true

[dependencies]
one.workspace = true
two = {{ workspace = true, features = ["b"] }}

[dev-dependencies]
conversations.workspace = true
last = {{ path = "../stage1-one" }}

[[test]]
name = "http"
harness = false

[lints]
workspace = true
"#
    )
}

/// The two sub-steps of stage 3.
pub const FIRST: &str = "stage3-three/steps/1-timers.patch";
pub const SECOND: &str = "stage3-three/steps/2-wait.patch";

const FIRST_PATCH: &str = "\
Title: A timer
Idea: Time
  passes.
Try: cargo run
  cargo run -- --help
Lacks: The server does not wait for it.
---
--- a/Cargo.toml
+++ b/Cargo.toml
@@ -1,5 +1,5 @@
 [package]
-name = \"stage2-two\"
+name = \"stage3-three\"
 version.workspace = true
 
 [dependencies]
--- /dev/null
+++ b/src/timers.rs
@@ -0,0 +1 @@
+tick
";

const SECOND_PATCH: &str = "\
Title: Waiting for it
Idea: The server waits.
Try: cargo test
Lacks: It waits forever.
---
--- a/src/server.rs
+++ b/src/server.rs
@@ -3,7 +3,7 @@
 line 3
 line 4
 line 5
-poll
+wait
 line 7
 line 8
 line 9
--- a/src/timers.rs
+++ b/src/timers.rs
@@ -1 +1 @@
-tick
+deadline
";

/// The names of the three stages.
pub const STAGES: [&str; 3] = ["stage1-one", "stage2-two", "stage3-three"];

/// Twelve lines, one of which is specific to the stage.
pub fn server(own: &str) -> String {
    let lines = (1..=12).map(|line| match line {
        6 => format!("{own}\n"),
        _ => format!("line {line}\n"),
    });
    lines.collect()
}

impl Tree {
    /// The workspace that this test belongs to.
    pub fn real() -> Self {
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        Self { root: top.canonicalize().unwrap(), _folder: None }
    }

    /// Three stages that differ only as declared.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let tree = Self { root, _folder: Some(folder) };
        tree.write("tests/ladder.toml", DECLARED);
        for (name, own) in STAGES.into_iter().zip(["block", "poll", "wait"]) {
            tree.write(&format!("{name}/Cargo.toml"), &format!("{name}\n"));
            tree.write(&format!("{name}/README.md"), &format!("# {name}\n"));
            tree.write(&format!("{name}/src/server.rs"), &server(own));
            tree.write(&format!("{name}/src/http/mod.rs"), "a\nb\nc\n");
            tree.write(&format!("{name}/tests/http.rs"), "same\n");
        }
        tree.write("stage3-three/src/timers.rs", "deadline\n");
        tree
    }

    /// The same, with everything committed. `None` if git is missing; panics
    /// instead where no test may be skipped, as in CI.
    pub fn committed() -> Option<Self> {
        if !has_tool("git") {
            if let Err(failed) = skip("a test of `cargo ladder`", "git") {
                panic!("{}", failed.message().unwrap_or("git is missing"));
            }
            return None;
        }
        let tree = Self::new();
        tree.git(&["init", "--quiet"]);
        tree.commit();
        Some(tree)
    }

    /// Three stages, the last one in two sub-steps. `None` if git is missing.
    pub fn stepped() -> Option<Self> {
        let tree = Self::committed()?;
        tree.write("Cargo.toml", WORKSPACE);
        tree.write("Cargo.lock", "# locked\n");
        for name in STAGES {
            tree.write(&format!("{name}/Cargo.toml"), &manifest(name));
        }
        let budget = DECLARED.replace("budget = 3", "step_budget = 3");
        tree.write("tests/ladder.toml", &budget);
        tree.write(FIRST, FIRST_PATCH);
        tree.write(SECOND, SECOND_PATCH);
        tree.commit();
        Some(tree)
    }

    /// Commits everything.
    pub fn commit(&self) {
        self.git(&["add", "--all"]);
        let who = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
        let what = ["commit", "--quiet", "--message=t"];
        self.git(&[&who[..], &what[..]].concat());
    }

    /// Runs git, which must succeed.
    pub fn git(&self, words: &[&str]) {
        let output = self.command("git").args(words).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {words:?}: {said}");
    }

    /// Runs `cargo ladder` in the root folder.
    pub fn run(&self, words: &[&str]) -> Ran {
        self.run_in("", words)
    }

    /// Runs `cargo ladder` in a folder of the workspace.
    pub fn run_in(&self, folder: &str, words: &[&str]) -> Ran {
        let mut command = self.command(env!("CARGO_BIN_EXE_ladder"));
        command.args(words).current_dir(self.root.join(folder));
        ran(&mut command)
    }

    /// A command that runs in the root folder, isolated from other repositories
    /// and from the user's git settings.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("GIT_") {
                command.env_remove(name);
            }
        }
        command
            .current_dir(&self.root)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("GIT_CEILING_DIRECTORIES", self.root.parent().unwrap());
        command
    }

    pub fn write(&self, file: &str, text: &str) {
        let path = self.root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, file: &str) -> String {
        fs::read_to_string(self.root.join(file)).unwrap()
    }

    pub fn remove(&self, file: &str) {
        fs::remove_file(self.root.join(file)).unwrap();
    }

    /// Replaces a text in a file. Panics if the file does not contain it.
    #[track_caller]
    pub fn edit(&self, file: &str, old: &str, new: &str) {
        let text = self.read(file);
        assert!(text.contains(old), "{file} has no `{old}`");
        self.write(file, &text.replace(old, new));
    }
}

/// Runs a command to its end.
pub fn ran(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}
