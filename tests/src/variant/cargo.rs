//! Builds and tests a variant.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::task::Check;
use super::{Variant, lock, variants};

impl Variant {
    /// Writes the variant below `target/variants` and builds it with its tests.
    /// All variants share one target folder, so cargo compiles their
    /// dependencies only once.
    ///
    /// # Errors
    /// The compiler's errors and warnings: a warning counts as an error.
    pub fn build(&self) -> Result<(), String> {
        self.write(&self.folder())?;
        let mut command = self.cargo(&["test", "--no-run"]);
        command.arg("--message-format=json").stderr(Stdio::inherit());
        let output =
            command.output().map_err(|e| format!("cannot run cargo: {e}"))?;
        let said = complaints(&output.stdout);
        if output.status.success() && said.is_empty() {
            return Ok(());
        }
        Err(format!("{} does not build without warnings.\n{said}", self.name))
    }

    /// Builds the test programs of checks from what is in the variant's folder,
    /// and returns the compiler's warnings.
    ///
    /// # Errors
    /// The compiler's messages if the crate does not build.
    pub fn build_checks(&self, checks: &[&Check]) -> Result<String, String> {
        let mut command = self.cargo(&["test", "--no-run", "--quiet"]);
        command.arg("--message-format=json");
        for check in checks {
            command.args(["--test", &check.program]);
        }
        let output =
            command.output().map_err(|e| format!("cannot run cargo: {e}"))?;
        let said = complaints(&output.stdout);
        if output.status.success() {
            return Ok(said);
        }
        // Cargo itself may have complained, for example of a bad manifest.
        let cargo = String::from_utf8_lossy(&output.stderr);
        Err(if said.is_empty() { cargo.into_owned() } else { said })
    }

    /// Runs a check, with each script in one form only. Returns whether it
    /// passed, and what it printed. `ceiling` is how many seconds a test waits
    /// for one event, if it is not the default.
    ///
    /// # Errors
    /// Cargo can't be run.
    pub fn run_check(
        &self,
        check: &Check,
        ceiling: Option<u32>,
    ) -> Result<(bool, String), String> {
        let words = ["test", "--quiet", "--test", &check.program, "--"];
        let mut command = self.cargo(&words);
        if !check.filter.is_empty() {
            command.arg(&check.filter);
        }
        for name in &check.skipped {
            command.args(["--skip", name]);
        }
        if let Some(seconds) = ceiling {
            command.env("CEILING", seconds.to_string());
        }
        let output = command
            .env("WHOLE_ONLY", "1")
            .output()
            .map_err(|e| format!("cannot run cargo: {e}"))?;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        Ok((output.status.success(), text))
    }

    /// Builds the variant and runs its tests, or those with `filter` in their
    /// name. The tests print to the terminal.
    ///
    /// # Errors
    /// The variant does not build, or a test fails.
    pub fn test(&self, filter: Option<&str>) -> Result<(), String> {
        let _alone = lock(&self.root)?;
        self.build()?;
        // Cargo does not pass its own `--quiet` to tests without a harness.
        let words = ["test", "--no-fail-fast", "--", "--quiet"];
        let mut command = self.cargo(&words);
        command.args(filter);
        let status =
            command.status().map_err(|e| format!("cannot run cargo: {e}"))?;
        if status.success() {
            return Ok(());
        }
        Err(format!("a test of {} failed", self.name))
    }

    /// The program that [`Variant::build`] built. All variants of a stage share
    /// this path, and each build overwrites the previous one.
    #[must_use]
    pub fn program(&self) -> std::path::PathBuf {
        target(&self.root).join("debug").join(&self.base.stage.name)
    }

    fn cargo(&self, words: &[&str]) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
        let mut command = Command::new(cargo);
        command
            .args(words)
            .current_dir(self.folder())
            .env("CARGO_TARGET_DIR", target(&self.root))
            // What rustc keeps for each of them would fill gigabytes.
            .env("CARGO_INCREMENTAL", "0");
        match self.sub_step() {
            Some(step) => command.env("SUB_STEP", step),
            None => command.env_remove("SUB_STEP"),
        };
        command
    }
}

fn target(root: &Path) -> std::path::PathBuf {
    variants(root).join("target")
}

/// The errors and warnings in cargo's messages, formatted as cargo prints them.
fn complaints(messages: &[u8]) -> String {
    let messages = String::from_utf8_lossy(messages);
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut rendered: Vec<String> = messages
        .filter(|message| message["reason"] == "compiler-message")
        .filter(|message| {
            let level = message["message"]["level"].as_str();
            matches!(level, Some("warning" | "error"))
        })
        .filter_map(|message| {
            message["message"]["rendered"].as_str().map(str::to_owned)
        })
        .collect();
    rendered.dedup();
    rendered.join("\n")
}
