//! The server under test, and the result of a test.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use libtest_mimic::{Completion, Failed};

use crate::fixtures;
use crate::number::Number;
use crate::process;
use crate::server::Server;
use crate::wire::client::CEILING;

/// How long a test waits for one event from another server. Shorter, because an
/// unfinished server may miss many of its events.
const OTHER_SERVER_CEILING: Duration = Duration::from_secs(5);

/// The result of a test. `?` turns any displayable error into a failure; a test
/// that passes returns [`PASSED`].
pub type Outcome = Result<Completion, Failed>;

/// The result of a test that passed.
pub const PASSED: Completion = Completion::Completed;

/// A server under test: one of the stages, or any program.
#[derive(Debug, Clone)]
pub struct Stage {
    /// `stage1-blocking`; the command line for a program that is not ours.
    pub name: String,
    /// The number of the stage.
    pub number: u32,
    /// It must keep the promises up to this stage or sub-step.
    pub at: Number,
    /// How long a test waits for one event.
    pub ceiling: Duration,
    /// How to start it.
    pub launch: Launch,
    /// Its descriptor limit (`RLIMIT_NOFILE`); `None` means that of this
    /// process.
    pub descriptors: Option<libc::rlim_t>,
}

/// How a server is started.
#[derive(Debug, Clone)]
pub enum Launch {
    /// A program, and arguments before those of the stages.
    Program(PathBuf, Vec<String>),
    /// A command line with `{port}` and `{root}`.
    Command(String),
}

/// A test written in Rust.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// `MODULE::NAME`.
    pub name: &'static str,
    /// The promise, in words that a student understands; printed on failure.
    pub promise: &'static str,
    /// The first stage or sub-step that keeps it.
    pub from: Number,
    /// The last one that keeps it; [`Number::EVER`] for no limit.
    pub until: Number,
    /// Whether it applies to servers other than the stages.
    pub any_server: bool,
    /// The test.
    pub run: fn(&Stage) -> Outcome,
}

impl Stage {
    /// A stage by its binary and its name, `stage4-epoll-et`.
    #[must_use]
    pub fn program(path: impl Into<PathBuf>, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            number: number_in(name),
            at: sub_step(number_in(name)),
            ceiling: ceiling(),
            launch: Launch::Program(path.into(), Vec::new()),
            descriptors: None,
        }
    }

    /// Any program, by a command line with `{port}` and `{root}`.
    #[must_use]
    pub fn command(line: &str, number: u32) -> Self {
        Self {
            name: line.to_owned(),
            number,
            at: Number::stage(number),
            ceiling: OTHER_SERVER_CEILING,
            launch: Launch::Command(line.to_owned()),
            descriptors: None,
        }
    }

    /// Whether this is one of the stages, with their command line.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        matches!(self.launch, Launch::Program(..))
    }

    /// The binary.
    ///
    /// # Errors
    /// If the server isn't one of the stages.
    pub fn binary(&self) -> Result<&Path, String> {
        match &self.launch {
            Launch::Program(path, _) => Ok(path),
            Launch::Command(_) => {
                Err("this test needs one of the stages".into())
            }
        }
    }

    /// Starts the server on the fixture site and waits until it listens.
    ///
    /// # Errors
    /// If it ends, or does not listen in time; the text says which.
    pub fn start(&self, flags: &[&str]) -> Result<Server, String> {
        Server::start(self, flags)
    }

    /// Flags that make counts predictable: the server accepts a client before
    /// it sends anything, runs a single loop, and closes each file after its
    /// response. Before stage 5 that needs no flags.
    #[must_use]
    pub fn plain(&self) -> Vec<&'static str> {
        let mut flags = vec!["--quiet"];
        if self.at >= Number::step(5, 3) {
            flags.extend(["--defer-accept", "0"]);
        }
        if self.at >= Number::step(6, 1) {
            flags.extend(["--threads", "1"]);
        }
        if self.at >= Number::step(6, 3) {
            flags.extend(["--cache-files", "0"]);
        }
        flags
    }

    /// Starts the server with the flags of [`Stage::plain`], and these.
    ///
    /// # Errors
    /// As [`Stage::start`].
    pub fn start_plain(&self, flags: &[&str]) -> Result<Server, String> {
        self.start(&[&self.plain(), flags].concat())
    }

    /// Runs a server that is expected to fail at start: its exit code and
    /// stderr.
    ///
    /// # Errors
    /// If it can't be run, or keeps running.
    pub fn fail(&self) -> Result<(Option<i32>, Vec<String>), String> {
        let Launch::Program(path, words) = &self.launch else {
            return Err("this test needs one of the stages".into());
        };
        let mut command = Command::new(path);
        command.args(words).arg(fixtures::site().root());
        command.args(["--listen", "127.0.0.1:0"]);
        let mut server = Server::spawn(&mut command, self)?;
        let status = server.wait_for_exit(self.ceiling)?;
        Ok((status.code(), server.stderr.wait_for_end(self.ceiling)))
    }

    /// Starts the server without an open-file cache and waits until all its
    /// threads have started: for tests that count descriptors.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start_without_cache(&self) -> Result<Server, String> {
        let has_cache = self.at >= Number::step(6, 3);
        let flags = ["--quiet", "--cache-files", "0"];
        let server =
            self.start(if has_cache { &flags } else { &flags[..1] })?;
        process::until_asleep(server.pid(), self.ceiling)?;
        Ok(server)
    }
}

/// How long a test waits for one event. Who expects the test to fail, because a
/// bug has been planted, can shorten the wait with `CEILING=SECONDS`.
fn ceiling() -> Duration {
    let seconds = std::env::var("CEILING").ok();
    let seconds = seconds.and_then(|seconds| seconds.parse().ok());
    seconds.map_or(CEILING, Duration::from_secs)
}

/// The sub-step that this crate is, as `cargo ladder test` says; else the whole
/// stage.
fn sub_step(stage: u32) -> Number {
    let step = std::env::var("SUB_STEP").ok();
    let step = step.and_then(|step| step.parse::<Number>().ok());
    step.filter(|step| step.stage == stage).unwrap_or(Number::stage(stage))
}

/// Whether each script runs in one form only, and no lab at all: `WHOLE_ONLY=1`
/// asks for it, and a sub-step has the parsers of its stage, which run in all
/// forms.
#[must_use]
pub fn whole_only(stage: &Stage) -> bool {
    stage.at.step.is_some()
        || std::env::var_os("WHOLE_ONLY").is_some_and(|value| value == "1")
}

/// `stage4-epoll-et` is stage 4; a name without a number is stage 1.
fn number_in(name: &str) -> u32 {
    let digits = name.trim_start_matches(|c: char| !c.is_ascii_digit());
    let end = digits.find(|c: char| !c.is_ascii_digit());
    digits[..end.unwrap_or(digits.len())].parse().unwrap_or(1)
}

/// Ends a test that lacks `tool`: it counts as ignored and prints why. With
/// `REQUIRE_TOOLS=1`, as in CI, it fails.
///
/// # Errors
/// If tools are required.
pub fn skip(test: &str, tool: &str) -> Outcome {
    let why = format!("SKIPPED: {test} needs {tool}");
    if std::env::var_os("REQUIRE_TOOLS").is_some_and(|value| value == "1") {
        return Err(format!("{why}, and REQUIRE_TOOLS=1 is set").into());
    }
    eprintln!("{why}");
    Ok(Completion::ignored_with(why))
}

/// Whether strace(1) is installed and may trace its child: a container may
/// forbid ptrace(2).
#[must_use]
pub fn can_trace() -> bool {
    static WORKS: LazyLock<bool> = LazyLock::new(|| {
        let mut strace = Command::new("strace");
        strace.args(["-o", "/dev/null", "true"]).stderr(Stdio::null());
        strace.status().is_ok_and(|status| status.success())
    });
    *WORKS
}

/// What [`can_trace`] needs, for [`skip`].
pub const TRACING: &str = "strace, and permission to use ptrace(2)";

/// Whether a program of this name is on the `PATH`.
#[must_use]
pub fn has_tool(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}
