//! Builds and tests a variant.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{Variant, variants};

impl Variant {
    /// Writes the variant below `target/variants` and builds it with its tests.
    /// All variants share one target folder, so cargo compiles their
    /// dependencies only once.
    ///
    /// # Errors
    /// The compiler's errors and warnings: a warning counts as an error.
    pub fn build(&self) -> Result<(), String> {
        self.write(&self.folder())?;
        let words = ["test", "--no-run", "--message-format=json"];
        let mut command = self.cargo(&words);
        command.stderr(Stdio::inherit());
        let output =
            command.output().map_err(|e| format!("cannot run cargo: {e}"))?;
        let said = complaints(&output.stdout);
        if output.status.success() && said.is_empty() {
            return Ok(());
        }
        Err(format!("{} does not build without warnings.\n{said}", self.name))
    }

    /// Builds the variant and runs its tests, or those with `filter` in their
    /// name. The tests print to the terminal.
    ///
    /// # Errors
    /// The variant does not build, or a test fails.
    pub fn test(&self, filter: Option<&str>) -> Result<(), String> {
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
            .env("CARGO_TARGET_DIR", target(&self.root));
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
