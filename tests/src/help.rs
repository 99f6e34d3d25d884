//! The output of `--help`, which the book prints.

use std::process::Command;

use crate::number::Number;
use crate::server::Server;
use crate::stage::{Case, Outcome, PASSED, Stage};
use crate::truth;

const PROMISE: &str = "--help lists every flag with its unit and its default, \
    in lines of at most\n80 columns.";

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    vec![Case {
        name: "help::flags",
        promise: PROMISE,
        from: Number::stage(1),
        until: Number::EVER,
        any_server: false,
        run: flags,
    }]
}

fn flags(stage: &Stage) -> Outcome {
    let mut command = Command::new(stage.binary()?);
    // The output isn't a terminal, so the width comes from the environment.
    command.arg("--help").env("COLUMNS", "80").env_remove("CLICOLOR_FORCE");
    let mut server = Server::spawn(&mut command, stage)?;
    let status = server.wait_for_exit(stage.ceiling)?;
    let lines = server.stdout.wait_for_end(stage.ceiling);
    if !status.success() {
        return Err(format!("--help ended with {status}").into());
    }
    let long = lines.iter().find(|line| line.chars().count() > 80);
    if let Some(line) = long {
        return Err(format!("a line is wider than 80 columns:\n{line}").into());
    }
    if stage.at.step.is_some() {
        return Ok(PASSED);
    }
    truth::check(stage, "help", PROMISE, &lines.join("\n"))
}
