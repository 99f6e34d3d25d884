//! Keeps a server busy: with wrk if it is installed, otherwise with the bench's
//! own client.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::client::{self, Load};
use crate::pin::{self, Side, processors};

/// The load generator of the scenarios with many connections.
#[derive(Debug, Clone)]
pub enum Tool {
    /// wrk(1), with its path.
    Wrk(PathBuf),
    /// The client in `client/`.
    Own,
}

/// The number of requests and the time.
#[derive(Debug, Clone, Copy)]
pub struct Done {
    /// Correct responses.
    pub responses: u64,
    /// Wall-clock time.
    pub elapsed: Duration,
}

/// Runs the load to its end. `pinned` keeps it off the processor of a
/// single-threaded server; otherwise it may use all processors.
///
/// # Errors
/// If a response was wrong or missing.
pub fn run(tool: &Tool, load: &Load, pinned: bool) -> Result<Done, String> {
    if let Tool::Wrk(program) = tool {
        return wrk(program, load, pinned);
    }
    pin::this_thread(Side::Load, pinned);
    let outcome = client::run(load)?;
    let (responses, elapsed) = (outcome.responses, outcome.elapsed);
    Ok(Done { responses, elapsed })
}

fn wrk(program: &Path, load: &Load, pinned: bool) -> Result<Done, String> {
    // wrk takes whole seconds, and has its own threads.
    let seconds = load.time.as_secs().max(1).to_string();
    let connections = load.connections.to_string();
    let own = if pinned { 1 } else { processors().len() };
    let url = format!("http://{}{}", load.address, load.path);
    let mut command = Command::new(program);
    command.args(["-t", &own.to_string(), "-c", &connections]);
    command.args(["-d", &seconds, "--timeout", "10s"]);
    if load.each_new {
        command.args(["-H", "Connection: close"]);
    }
    let script =
        concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/pipeline.lua");
    if load.depth > 1 {
        // The script contains the depth.
        command.args(["-s", script]);
    }
    command.arg(url);
    pin::command(&mut command, Side::Load, pinned);
    let output = command.output().map_err(|e| format!("wrk: {e}"))?;
    read_wrk(&String::from_utf8_lossy(&output.stdout))
}

/// Reads `  12345 requests in 2.00s, 1.2MB read`, and refuses a report of
/// errors.
///
/// # Errors
/// The line with the errors.
pub fn read_wrk(text: &str) -> Result<Done, String> {
    let bad = |line: &&str| {
        line.contains("Non-2xx") || line.contains("Socket errors")
    };
    if let Some(line) = text.lines().map(str::trim).find(bad) {
        return Err(format!("wrk: {line}"));
    }
    let done = text.lines().find_map(|line| {
        let (count, rest) = line.trim().split_once(" requests in ")?;
        let time = rest.split(',').next()?;
        let elapsed = match time.strip_suffix("ms") {
            Some(number) => number.parse::<f64>().ok()? / 1000.0,
            None => time.strip_suffix('s')?.parse().ok()?,
        };
        let elapsed = Duration::from_secs_f64(elapsed);
        Some(Done { responses: count.parse().ok()?, elapsed })
    });
    done.filter(|done| done.responses > 0)
        .ok_or_else(|| format!("wrk made no requests: {text}"))
}

impl Tool {
    /// The description for the reader.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Wrk(_) => "wrk",
            Self::Own => "the bench's own client",
        }
    }
}
