//! `cargo judge`: grades a server, level by level.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`levels`] | reads `levels.toml`: which promise belongs to which level |
//! | [`grade`] | asks a server for the promises of one level |
//! | [`screen`] | what is printed: levels, the first broken promise, what to do next |
//! | [`file`] | reports for other programs: JSON, `JUnit` |
//!
//! The promises are the library's: [`conversations::promise`].

mod file;
mod grade;
mod levels;
mod screen;

use std::process::ExitCode;

use clap::Parser;
use conversations::command::{Answer, Failure, finish};
use conversations::fixtures;
use conversations::server::pool;
use conversations::stage::Stage;

use crate::file::Report;
use crate::grade::Graded;
use crate::levels::{LAST, Level};

/// Grade a server of your own, level by level
///
/// Stops after the first level in which a promise is broken, and shows the
/// first broken promise. Exit code: 0 if every promise asked for is kept, 1 if
/// not, 2 for a usage error.
#[derive(Parser)]
#[command(name = "judge", bin_name = "cargo judge")]
struct Arguments {
    /// Grade all levels, whatever is broken
    #[arg(long, conflicts_with_all = ["level", "only"])]
    all: bool,
    /// Grade this level alone
    #[arg(long, value_name = "N")]
    level: Option<usize>,
    /// Grade the promises whose names begin with this
    #[arg(long, value_name = "NAME", conflicts_with = "level")]
    only: Option<String>,
    /// Leave out what only later stages do, such as 2 to 6 for `1`
    #[arg(long, value_name = "N", default_value_t = LAST,
          value_parser = clap::value_parser!(u32).range(1..=6))]
    stage: u32,
    /// List the levels and their promises, and grade nothing
    #[arg(long)]
    list: bool,
    /// Write a report as well: json=FILE or junit=FILE; may be repeated
    #[arg(long, value_name = "FORMAT=FILE")]
    report: Vec<Report>,
    /// How to start the server, after `--`: '{port}' is a free port of
    /// 127.0.0.1, '{root}' the directory to serve
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

fn main() -> ExitCode {
    let result = run(&Arguments::parse());
    pool::end();
    fixtures::remove();
    finish("cargo judge", result)
}

fn run(arguments: &Arguments) -> Result<Answer, Failure> {
    let line = line(&arguments.command);
    let stage = Stage::command(&line, arguments.stage);
    let levels = chosen(levels::read(&stage)?, arguments)?;
    if arguments.list {
        return Ok(Answer::good(screen::list(&levels)));
    }
    if line.is_empty() {
        return Err(Failure::Usage(
            "no server to grade. Say how to start it:\n\n    cargo judge -- \
             './mine --port {port} {root}'\n\n--help says more, and --list \
             shows the levels."
                .to_owned(),
        ));
    }
    if !line.contains("{port}") {
        return Err(Failure::Usage(format!(
            "`{line}` has no {{port}}. Each server gets a free port, which it \
             has to listen on"
        )));
    }
    // One clear message instead of hundreds that say the same.
    drop(stage.start(&[])?);
    let mut graded: Vec<Graded> = Vec::new();
    for level in &levels {
        let one = grade::grade(level, &stage);
        let broken = one.broken().next().is_some();
        graded.push(one);
        if broken && !arguments.all && arguments.only.is_none() {
            break;
        }
    }
    for report in &arguments.report {
        report.write(&line, &levels, &graded)?;
    }
    let good = graded.iter().all(|one| one.broken().next().is_none());
    let text = screen::result(&line, &levels, &graded);
    Ok(Answer { text, good })
}

/// The command line: one word is the whole line, and several have been split by
/// the shell already.
fn line(words: &[String]) -> String {
    match words {
        [line] => line.clone(),
        words => {
            let quoted = |word: &String| {
                format!(
                    "\"{}\"",
                    word.replace('\\', "\\\\").replace('"', "\\\"")
                )
            };
            words.iter().map(quoted).collect::<Vec<_>>().join(" ")
        }
    }
}

/// The levels to grade, with the promises to ask for.
fn chosen(
    mut levels: Vec<Level>,
    arguments: &Arguments,
) -> Result<Vec<Level>, Failure> {
    if let Some(number) = arguments.level {
        let count = levels.len();
        levels.retain(|level| level.number == number);
        if levels.is_empty() {
            return Err(Failure::Usage(format!(
                "there is no level {number}: they are 1 to {count}"
            )));
        }
    }
    if let Some(prefix) = &arguments.only {
        for level in &mut levels {
            // Not once more under "In pieces".
            level
                .questions
                .retain(|it| it.promise.name.starts_with(prefix) && !it.again);
        }
        levels.retain(|level| !level.questions.is_empty());
        if levels.is_empty() {
            return Err(Failure::Usage(format!(
                "no promise begins with `{prefix}`: --list shows all"
            )));
        }
    }
    Ok(levels)
}
