//! Checks the commands that the documentation tells readers to type: each one
//! parses, and its packages, examples, tests, files and flags exist.

// These lints protect readers from panics. A test may panic.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use conversations::server::command::words;
use conversations::variant::stages::Ladder;
use conversations::{Stage, suite};

/// A command, with its file and line.
struct Command {
    place: String,
    text: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The pages with commands: the book, and all READMEs.
fn pages() -> Vec<PathBuf> {
    let root = root();
    let mut pages = Vec::new();
    let mut folders = vec![root.join("book/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "md") {
                pages.push(path);
            }
        }
    }
    for entry in fs::read_dir(&root).unwrap() {
        let readme = entry.unwrap().path().join("README.md");
        pages.extend(readme.is_file().then_some(readme));
    }
    pages.push(root.join("README.md"));
    pages.push(root.join("CONTRIBUTING.md"));
    pages.sort();
    pages
}

/// Finds the commands of a page: in fences of `sh` or `bash`, in indented
/// blocks, and, for cargo, between backticks.
fn commands(page: &Path) -> Vec<Command> {
    let text = fs::read_to_string(page).unwrap();
    let name = page.strip_prefix(root()).unwrap().display().to_string();
    let mut found = Vec::new();
    let mut fence = None;
    let mut pending = String::new();
    for (number, line) in (1..).zip(text.lines()) {
        let trimmed = line.trim_start_matches("> ").trim();
        if let Some(language) = trimmed.strip_prefix("```") {
            fence = match fence {
                None => Some(language.to_owned()),
                Some(_) => None,
            };
            continue;
        }
        let place = format!("{name}:{number}");
        let shell = matches!(fence.as_deref(), Some("sh" | "bash"));
        let indented = fence.is_none() && line.starts_with("    ");
        if shell || indented && is_command(trimmed) || !pending.is_empty() {
            let text = std::mem::take(&mut pending) + trimmed;
            if let Some(part) = text.strip_suffix('\\') {
                part.clone_into(&mut pending);
            } else if text.matches('\'').count() % 2 == 1 {
                // Quoted text continues on the next line.
                pending = text + " ";
            } else {
                found.push(Command { place, text });
            }
        } else if fence.is_none() {
            let code = line.split('`').skip(1).step_by(2);
            let cargo = code.filter(|code| code.starts_with("cargo "));
            found.extend(cargo.map(|text| Command {
                place: place.clone(),
                text: text.to_owned(),
            }));
        }
    }
    found
}

fn is_command(line: &str) -> bool {
    let first = line.split_whitespace().find(|word| !word.contains('='));
    let known = ["cargo", "curl", "kill", "strace", "top", "wrk", "ab", "git"];
    first.is_some_and(|word| known.contains(&word))
}

/// The simple commands of a line, split at operators, without a comment.
fn simple(text: &str) -> Result<Vec<Vec<String>>, String> {
    let text = text.split(" #").next().unwrap_or("");
    if text.trim_start().starts_with('#') || text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let mut all = vec![Vec::new()];
    for word in words(text)? {
        let ends = ["&", "&&", "|", "||", ";", ">", "<"];
        if ends.contains(&word.as_str()) {
            all.push(Vec::new());
        } else if let Some(word) = word.strip_suffix(';') {
            all.last_mut().unwrap().push(word.to_owned());
            all.push(Vec::new());
        } else {
            all.last_mut().unwrap().push(word);
        }
    }
    all.retain(|words| !words.is_empty());
    Ok(all)
}

/// The packages and tests of the workspace.
struct Workspace {
    /// Maps a package to the names of its tests.
    tests: BTreeMap<String, Vec<String>>,
}

impl Workspace {
    fn read() -> Self {
        let mut tests = BTreeMap::new();
        for package in ["conversations", "book"] {
            let folder = if package == "book" { "book" } else { "tests" };
            tests.insert(package.to_owned(), functions(&root().join(folder)));
        }
        for entry in fs::read_dir(root()).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if !name.starts_with("stage") {
                continue;
            }
            let stage = Stage::program("target/debug/none", &name);
            let trials = suite::trials(&Arc::new(stage));
            let mut names: Vec<String> =
                trials.iter().map(|trial| trial.name().to_owned()).collect();
            names.extend(functions(&path.join("tests")));
            tests.insert(name, names);
        }
        // `any_server` runs the tests of the last stage.
        let all = tests["stage6-reuseport"].clone();
        tests.get_mut("conversations").unwrap().extend(all);
        Self { tests }
    }

    fn check(&self, command: &[String]) -> Result<(), String> {
        let start = command.iter().position(|word| !word.contains('='));
        let command = &command[start.unwrap_or(command.len())..];
        let Some(program) = command.first() else { return Ok(()) };
        if ["pgrep", "pkill", "killall"].contains(&program.as_str()) {
            return Err(format!("{program} may kill the reader's own book"));
        }
        if program != "cargo" {
            return Ok(());
        }
        let ours = command.iter().position(|word| word == "--");
        let (cargo, ours) = match ours {
            Some(at) => (&command[..at], &command[at + 1..]),
            None => (command, &[][..]),
        };
        let value = |flag: &str| {
            let at = cargo.iter().position(|word| word == flag)?;
            cargo.get(at + 1).map(String::as_str)
        };
        let package = value("-p").or(value("--package"));
        if let Some(package) = package
            && !is_placeholder(package)
        {
            self.check_package(package, cargo, ours, &value)?;
        }
        match cargo.get(1).map(String::as_str) {
            Some("ladder") => is_named(cargo.get(2), "tests/ladder/main.rs"),
            Some("practice") => {
                is_named(cargo.get(2), "tests/practice/main.rs")?;
                match cargo.get(3).filter(|it| !is_placeholder(it)) {
                    Some(name) if name.parse::<u32>().is_err() => {
                        check_task(name)
                    }
                    _ => Ok(()),
                }
            }
            Some("judge") => {
                let flags = cargo.iter().skip(2).take_while(|it| *it != "--");
                flags
                    .filter_map(|it| it.strip_prefix("--"))
                    .try_for_each(check_judge)
            }
            Some("book") => is_named(cargo.get(2), "book/tool/main.rs"),
            Some(
                "run" | "test" | "build" | "bench" | "fmt" | "clippy" | "doc"
                | "insta" | "tree" | "nextest",
            )
            | None => Ok(()),
            Some(other) => Err(format!("unknown cargo command `{other}`")),
        }
    }

    fn check_package<'a>(
        &self,
        package: &str,
        cargo: &'a [String],
        ours: &[String],
        value: &dyn Fn(&str) -> Option<&'a str>,
    ) -> Result<(), String> {
        let Some(names) = self.tests.get(package) else {
            return Err(format!("there is no package {package}"));
        };
        let folder = root().join(match package {
            "conversations" => "tests",
            other => other,
        });
        if let Some(example) = value("--example")
            && !is_placeholder(example)
        {
            let examples = folder.join("examples");
            let file = examples.join(format!("{example}.rs"));
            if !file.is_file() && !examples.join(example).is_dir() {
                return Err(format!("{package} has no example {example}"));
            }
        }
        if let Some(test) = value("--test") {
            let file =
                if package == "conversations" { "suite" } else { "tests" };
            if !folder.join(file).join(format!("{test}.rs")).is_file() {
                return Err(format!("{package} has no test {test}"));
            }
        }
        let takes_value = ["-p", "--package", "--test", "--example", "--bench"];
        let mut filters = Vec::new();
        let mut before = "";
        for word in &cargo[1..] {
            let is_value = takes_value.contains(&before);
            if !is_value && !word.starts_with('-') {
                filters.push(word.as_str());
            }
            before = word;
        }
        if filters.first() == Some(&"test") {
            let strangers =
                |filter: &str| names.iter().any(|name| name.contains(filter));
            for filter in filters.iter().skip(1) {
                if !is_placeholder(filter) && !strangers(filter) {
                    return Err(format!("{package} has no test {filter}"));
                }
            }
        }
        if filters.first() == Some(&"run") && value("--example").is_none() {
            let help = format!("tests/snapshots/{package}/help.snap");
            let help = fs::read_to_string(root().join(help));
            for flag in ours.iter().filter(|word| word.starts_with("--")) {
                if !help.as_ref().is_ok_and(|help| has_flag(help, flag)) {
                    return Err(format!("{package} has no flag {flag}"));
                }
            }
        }
        Ok(())
    }
}

/// Whether there is a bug or an exercise of this name.
fn check_task(name: &str) -> Result<(), String> {
    let tasks = Ladder::find(&root())?.tasks()?;
    if tasks.contains_key(name) {
        return Ok(());
    }
    Err(format!("there is no bug and no exercise {name}"))
}

/// Whether `cargo judge` has this flag: a field of its arguments.
fn check_judge(flag: &str) -> Result<(), String> {
    let text = fs::read_to_string(root().join("tests/judge/main.rs")).unwrap();
    if flag == "help" || text.contains(&format!("\n    {flag}: ")) {
        return Ok(());
    }
    Err(format!("cargo judge has no flag --{flag}"))
}

fn has_flag(help: &str, flag: &str) -> bool {
    help.split_whitespace().any(|word| word.trim_end_matches(',') == flag)
}

/// Whether the reader must replace this word: `NAME`, `…`, `group::name`.
fn is_placeholder(word: &str) -> bool {
    if word == "group::name" {
        return true;
    }
    let upper = word.chars().any(char::is_uppercase);
    let lower = word.chars().any(char::is_lowercase);
    upper && !lower || word.contains(['…', '$', '{'])
}

/// Checks a word after `cargo book` or another command of ours: a flag, a number, or a
/// command in the program's source.
fn is_named(word: Option<&String>, source: &str) -> Result<(), String> {
    let Some(word) = word.filter(|word| !word.starts_with('-')) else {
        return Ok(());
    };
    let text = fs::read_to_string(root().join(source)).unwrap();
    if text.to_lowercase().contains(&word.to_lowercase()) {
        return Ok(());
    }
    Err(format!("{source} has no command `{word}`"))
}

/// The names of all functions below a folder, as `module::function`.
fn functions(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names.extend(functions(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            let module = path.file_stem().unwrap().to_string_lossy();
            let text = fs::read_to_string(&path).unwrap();
            for line in text.lines() {
                let Some((_, rest)) = line.split_once("fn ") else { continue };
                let name = rest.split(['(', '<']).next().unwrap_or("");
                names.push(format!("{module}::{name}"));
            }
            names.push(module.into_owned());
        }
    }
    names
}

#[test]
fn everything_in_a_command_exists() {
    let workspace = Workspace::read();
    let mut wrong = Vec::new();
    let mut count = 0;
    for page in pages() {
        for command in commands(&page) {
            let checked = simple(&command.text).and_then(|all| {
                count += all.len();
                let killers = ["pgrep", "pkill", "killall"];
                if killers.iter().any(|name| command.text.contains(name)) {
                    return Err("it may kill the reader's own book".into());
                }
                all.iter().try_for_each(|words| workspace.check(words))
            });
            if let Err(why) = checked {
                wrong.push(format!(
                    "{}: {}: {why}",
                    command.place, command.text
                ));
            }
        }
    }
    assert!(count > 100, "only {count} commands were found");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The text names a test as `group::name`, or by the start of its name.
#[test]
fn every_named_test_exists() {
    let workspace = Workspace::read();
    let names: Vec<&String> = workspace.tests.values().flatten().collect();
    let groups: BTreeSet<&str> = names
        .iter()
        .filter_map(|name| name.split_once("::"))
        .map(|(group, _)| group)
        .collect();
    let mut wrong = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for (number, line) in (1..).zip(text.lines()) {
            for code in line.split('`').skip(1).step_by(2) {
                let Some((group, rest)) = code.split_once("::") else {
                    continue;
                };
                let is_name = |c: char| {
                    c.is_ascii_lowercase()
                        || c.is_ascii_digit()
                        || "-_".contains(c)
                };
                let placeholder = is_placeholder(code);
                if placeholder
                    || !groups.contains(group)
                    || !rest.chars().all(is_name)
                {
                    continue;
                }
                if !names.iter().any(|name| name.starts_with(code)) {
                    let page = page.strip_prefix(root()).unwrap().display();
                    wrong.push(format!("{page}:{number}: no test {code}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn mistakes_in_commands_are_found() {
    let workspace = Workspace::read();
    for (command, part) in [
        ("cargo test -p stage9-none", "no package stage9-none"),
        ("cargo test -p stage5-timers no-such-test", "no test no-such-test"),
        ("cargo test -p stage5-timers --test none", "no test none"),
        ("cargo run -p stage5-timers --example none", "no example none"),
        ("cargo run -p stage5-timers -- . --none", "no flag --none"),
        ("kill $(pgrep x); pgrep -n stage6", "pgrep may kill"),
        ("cargo practice strat NAME", "strat"),
        ("cargo practice start no-such-bug", "no bug and no exercise"),
        ("cargo judge --levl 2 -- 'x {port}'", "no flag --levl"),
        ("RUST_LOG=trace cargo lader", "command `lader`"),
    ] {
        let all = simple(command).unwrap();
        let checked = all.iter().try_for_each(|words| workspace.check(words));
        let why = checked.unwrap_err();
        assert!(why.contains(part), "{command}: {why}");
    }
    assert!(simple("curl 'http://127.0.0.1").is_err());
}
