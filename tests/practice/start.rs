//! Writes the crate to work on.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use conversations::command::{Answer, Failure};
use conversations::variant::files::{told, write_if_changed};
use conversations::variant::task::{Kind, Task};

use crate::place::Place;
use crate::progress::Progress;

/// Writes a task's crate into its folder, which must not exist.
///
/// # Errors
/// If there is no such task, or it has been started already.
pub fn start(place: &Place, name: &str) -> Result<Answer, Failure> {
    let task = place.task(name)?;
    let folder = place.crate_of(task);
    if folder.exists() {
        return Err(Failure::Blocked(format!(
            "you have started {name} already, and your work in {} is as you \
             left it. `cargo practice check {name}` checks it, and `cargo \
             practice reset {name}` puts it aside and starts again.",
            shown(place, &folder)
        )));
    }
    write(place, task)?;
    Ok(Answer::good(welcome(place, task)))
}

/// Moves the learner's work aside, and starts again.
///
/// # Errors
/// If the task has not been started, or the folder can't be moved.
pub fn reset(place: &Place, name: Option<&str>) -> Result<Answer, Failure> {
    let task = place.meant(name)?;
    let folder = place.crate_of(task);
    if !folder.exists() {
        return Err(not_started(task));
    }
    let aside = (1..=usize::MAX)
        .map(|n| place.folder.join(format!("{}.old-{n}", task.name)))
        .find(|aside| !aside.exists())
        .unwrap_or_default();
    fs::rename(&folder, &aside).map_err(|error| told(&folder, &error))?;
    write(place, task)?;
    let aside = shown(place, &aside);
    let kept = format!("Your earlier work is in {aside}.\n");
    Ok(Answer::good(kept + &welcome(place, task)))
}

/// A task can only be checked once it has been started.
pub fn not_started(task: &Task) -> Failure {
    let name = &task.name;
    Failure::Usage(format!(
        "you have not started {name}: `cargo practice start {name}` does"
    ))
}

/// A path as seen from the top of the workspace, if it is below it.
fn shown(place: &Place, path: &Path) -> String {
    let path = path.strip_prefix(&place.ladder.root).unwrap_or(path);
    path.display().to_string()
}

fn write(place: &Place, task: &Task) -> Result<(), String> {
    let folder = place.crate_of(task);
    task.start(&place.ladder)?.write(&folder)?;
    write_if_changed(&folder.join("README.md"), &note(task))?;
    let config = config(&place.ladder.root);
    write_if_changed(&folder.join(".cargo/config.toml"), &config)?;
    let mut progress = Progress::load(&place.folder)?;
    progress.current = Some(task.name.clone());
    progress.entry(&task.name);
    progress.save(&place.folder)
}

/// All practice crates share the dependencies that have been built already,
/// and `cargo practice` works inside them as it does at the top. It takes the
/// place of the alias there, which cargo allows for a string only; and a string
/// is split at spaces, so below a path with spaces there is no alias.
fn config(root: &Path) -> String {
    let path = |path: PathBuf| path.display().to_string();
    let manifest = path(root.join("Cargo.toml"));
    let target = root.join("target");
    let shared = path(target.join("variants/target"));
    let mut text = format!(
        "# Written by `cargo practice start`, for this place: if you move the \
         checkout,\n# start again, or change the paths.\n\n[build]\n\
         target-dir = {shared:?}\n"
    );
    if !manifest.contains(char::is_whitespace) {
        let alias = format!(
            "run --quiet --manifest-path {manifest} --target-dir {} --package \
             conversations --bin practice --",
            path(target)
        );
        let _ = write!(text, "\n[alias]\npractice = {alias:?}\n");
    }
    text
}

fn welcome(place: &Place, task: &Task) -> String {
    let folder = shown(place, &place.crate_of(task));
    let stage = &task.stage;
    let what = match task.kind {
        Kind::Bug => "has a bug. A user reports",
        Kind::Exercise => "is yours to extend",
    };
    format!(
        "{folder} is {} as you know it, but it {what}:\n\n{}\n\n    \
         cd {folder}\n    cargo run -- --help\n    cargo practice check    # \
         is it solved?\n    cargo practice hint     # one of two hints\n\n\
         README.md there says how to go about it. Good luck.\n",
        stage.name,
        wrapped(&task.given(), "    ")
    )
}

/// What the crate's README.md says: the symptom or the task, and no more.
fn note(task: &Task) -> String {
    let Task { name, stage, .. } = task;
    let heading = match task.kind {
        Kind::Bug => "What a user reports",
        Kind::Exercise => "The task",
    };
    format!(
        "# {name}: {}\n\nThis is {}, {}.\n\n## {heading}\n\n{}\n\n## How to \
         work on it\n\n{}\n\n    cargo run -- --help        # the server, to look at \
         from outside\n    RUST_LOG=trace cargo run   # it prints a line for \
         each event\n    cargo practice check       # is it solved, and does \
         all else still work?\n    cargo practice hint        # the next of two \
         hints\n    cargo practice solution    # the {}\n",
        task.says("Title"),
        stage.name,
        match task.kind {
            Kind::Bug => "with one bug planted in `src/`",
            Kind::Exercise => "with one more test in `tests/`, which fails",
        },
        wrapped(&task.given(), ""),
        match task.kind {
            Kind::Bug => {
                "Reproduce it from outside before you open `src/`. The \
                 chapter \"Bug hunting\" of\nthe book shows how."
            }
            Kind::Exercise => {
                "Read the test first. It says what is promised, and how it \
                 finds out."
            }
        },
        match task.kind {
            Kind::Bug => "cause, and how to mend it",
            Kind::Exercise => "code of one solution",
        },
    )
}

/// A paragraph in lines of at most 76 characters.
pub fn wrapped(text: &str, indent: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last().map_or(0, String::len);
        if last > 0 && indent.len() + last + 1 + word.len() > 76 {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    let lines = lines.iter().map(|line| format!("{indent}{line}"));
    lines.collect::<Vec<_>>().join("\n")
}
