//! `cargo judge` as its users run it: on a server with a fault, on one without,
//! and with mistakes on the command line.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use conversations::report;
use conversations::snapshot::{HOW_TO_ACCEPT, Slot, Verdict};
use conversations::stage::{has_tool, skip};
use serde_json::Value;

/// A server of one file: it passes level 1 and no other.
const MINI: &str = env!("CARGO_BIN_EXE_mini-server");

const TESTS: &str = env!("CARGO_MANIFEST_DIR");

fn judge(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_judge")).args(words).output().unwrap()
}

/// Fails unless it ended with this exit code. Returns what it said.
#[track_caller]
fn must(code: i32, words: &[&str]) -> String {
    let output = judge(words);
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert_eq!(output.status.code(), Some(code), "{words:?}:\n{said}");
    said
}

#[track_caller]
fn contains(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "no `{part}` in:\n{said}");
    }
}

fn mini(fault: &str) -> String {
    format!("'{MINI}' --port {{port}} {fault}")
}

#[test]
fn stops_after_the_first_level_with_a_broken_promise() {
    let said = must(1, &["--", &mini("")]);
    contains(
        &said,
        &[
            " 1  One response                 ####################    4 of 4\n",
            " 3  Errors and redirects         -\n",
            "BROKEN PROMISE: files::nested",
            "Level 2, Files and their types:",
            "read      book/src/stage1-blocking.md",
            "cargo judge --only files::nested -- ",
        ],
    );
    assert_eq!(said.matches("BROKEN PROMISE").count(), 1, "{said}");
    // The book shows it.
    let slot = Slot { group: "judge".into(), name: "first-run".into() };
    let said = said.replace(&mini(""), "./mine --port {port} {root}");
    let said = said.replace(
        &mini("").replace('\'', r"'\''"),
        "./mine --port {port} {root}",
    );
    match slot.check("What the judge prints.", &said) {
        Verdict::Same => {}
        Verdict::Missing => panic!("no snapshot:\n{said}\n{HOW_TO_ACCEPT}"),
        Verdict::Differs(old) => panic!("{}", report::difference(&old, &said)),
    }
}

#[test]
fn a_fault_is_named() {
    let said = must(1, &["--level", "1", "--", &mini("--fault bare-lf")]);
    contains(&said, &["0 of 4", "BROKEN PROMISE: methods::get", "3 more"]);
}

#[test]
fn one_level_or_one_promise() {
    let said = must(0, &["--level", "1", "--", &mini("")]);
    contains(&said, &["All 4 promises asked for are kept."]);
    let said = must(0, &["--only", "pipelining::two", "--", &mini("")]);
    contains(&said, &["Pipelining", "1 of 1"]);
}

/// The words as the shell splits them do as well as one quoted line.
#[test]
fn the_command_in_several_words() {
    must(0, &["--level", "1", "--", MINI, "--port", "{port}"]);
}

#[test]
fn mistakes_are_explained() {
    contains(&must(2, &[]), &["no server to grade", "cargo judge -- "]);
    let line = mini("");
    contains(&must(2, &["--level", "99", "--", &line]), &["no level 99"]);
    contains(&must(2, &["--only", "x::", "--", &line]), &["begins with `x::`"]);
    contains(&must(2, &["--report", "pdf=a", "--", &line]), &["junit=FILE"]);
    contains(&must(2, &["--stage", "7", "--", &line]), &["7"]);
    contains(&must(2, &["--", MINI]), &["no {port}"]);
    contains(
        &must(1, &["--", "sh -c 'echo oh no >&2; exit 3' {port}"]),
        &["nothing listens", "exit status: 3", "oh no"],
    );
    contains(&must(1, &["--", "/none/such {port}"]), &["cannot start"]);
    let nowhere = ["--level", "1", "--report", "json=/none/such", "--", &line];
    contains(&must(1, &nowhere), &["/none/such"]);
}

#[test]
fn reports_are_read_by_programs_and_do_not_change() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let mut texts = Vec::new();
    for _ in 0..2 {
        let json = format!("json={}", file("report.json").display());
        let junit = format!("junit={}", file("report.xml").display());
        must(1, &["--report", &json, "--report", &junit, "--", &mini("")]);
        let read = |name| fs::read_to_string(file(name)).unwrap();
        texts.push((read("report.json"), read("report.xml")));
    }
    assert!(texts[0] == texts[1], "two runs, two reports");
    let (json, junit) = &texts[0];
    let report: Value = serde_json::from_str(json).unwrap();
    assert_eq!(report["version"], 1);
    let levels = report["levels"].as_array().unwrap();
    let results = |level: usize, result: &str| {
        let promises = levels[level]["promises"].as_array().unwrap();
        promises.iter().filter(|it| it["result"] == result).count()
    };
    assert_eq!((results(0, "kept"), results(0, "broken")), (4, 0));
    assert!(results(1, "broken") > 0);
    assert!(levels[2]["promises"].is_null(), "level 3 was not asked");
    // As many as JSON has, and each `<` of a transcript escaped.
    let broken = results(1, "broken");
    assert_eq!(junit.matches("<failure ").count(), broken);
    contains(junit, &["<testsuite name=\"One response\" tests=\"4\"", "&lt; "]);
    assert!(!junit.contains("< HTTP"), "{junit}");
}

/// The program to begin with reaches level 2.
#[test]
fn the_starter_passes_level_1() {
    if !has_tool("python3") {
        let skipped = skip("the_starter_passes_level_1", "python3");
        return assert!(skipped.is_ok(), "python3 is required");
    }
    let line = format!("python3 '{TESTS}/starters/python/server.py' {{port}}");
    must(0, &["--level", "1", "--", &line]);
    contains(&must(1, &["--", &line]), &["4 of 4", "Level 2,"]);
}

/// Each promise has one level, or `--list` fails; and each pattern, chapter and
/// lab in the table of levels exists.
#[test]
fn the_table_of_levels_names_what_exists() {
    let mut names = HashSet::new();
    for stage in ["1", "2", "3", "4", "5", "6"] {
        let said = must(0, &["--list", "--stage", stage]);
        let all = said.lines().filter(|line| line.contains("::"));
        names.extend(all.map(|line| line.trim().to_owned()));
    }
    let table = fs::read_to_string(format!("{TESTS}/judge/levels.toml"));
    let table: toml::Table = table.unwrap().parse().unwrap();
    let texts = |level: &toml::Value, key: &str| -> Vec<String> {
        let list = level[key].as_array().unwrap().iter();
        list.map(|it| it.as_str().unwrap().to_owned()).collect()
    };
    for level in table["level"].as_array().unwrap() {
        for pattern in texts(level, "promises") {
            let fits = |name: &String| match pattern.strip_suffix('*') {
                Some(prefix) => name.starts_with(prefix),
                None => {
                    *name == pattern
                        || name.starts_with(&format!("{pattern}::"))
                }
            };
            assert!(names.iter().any(fits), "no promise fits `{pattern}`");
        }
        let root = Path::new(TESTS).parent().unwrap();
        let chapter = level["chapter"].as_str().unwrap();
        assert!(root.join("book/src").join(chapter).is_file(), "{chapter}");
        for lab in texts(level, "labs") {
            let (stage, name) = lab.split_once('/').unwrap();
            let lab = root.join(format!("{stage}/examples/{name}.rs"));
            assert!(lab.is_file(), "{}", lab.display());
        }
    }
}
