//! Tests `cargo book build` and the folder that it builds.

// These lints protect readers from panics. A test may panic.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod html;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::html::Built;

fn book(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_book"));
    command.args(arguments);
    command
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A small book with one page.
fn small_book(page: &str) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let src = root.path().join("book/src");
    fs::create_dir_all(&src).unwrap();
    let write = |path: &Path, text| fs::write(path, text).unwrap();
    write(&root.path().join("book/book.toml"), "[book]\ntitle = \"T\"\n");
    write(&src.join("SUMMARY.md"), "# Summary\n\n[A](a.md)\n");
    write(&src.join("a.md"), page);
    root
}

/// Builds the small book from a subfolder, without cargo's variables.
fn build_small(root: &TempDir) -> Output {
    build_small_with(root, &[])
}

fn build_small_with(root: &TempDir, flags: &[&str]) -> Output {
    book(&[&["build"], flags].concat())
        .current_dir(root.path().join("book/src"))
        .env_remove("CARGO_MANIFEST_DIR")
        .output()
        .unwrap()
}

#[test]
fn the_book_builds_and_has_no_dead_links() {
    let into = tempfile::tempdir().unwrap();
    let path = into.path().to_str().unwrap();
    let output = book(&["build", "--into", path]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let built = Built::read(into.path());
    let summary = include_str!("../src/SUMMARY.md");
    let chapters = summary.split("](").skip(1);
    for page in chapters.filter_map(|rest| Some(rest.split_once(".md")?.0)) {
        assert!(built.has(&format!("{page}.html")), "{page} is not built");
    }
    assert_eq!(built.external_resources(), Vec::<String>::new());
    assert_eq!(built.dead_links(), Vec::<String>::new());
}

#[test]
fn the_check_of_a_built_book_finds_mistakes() {
    let folder = tempfile::tempdir().unwrap();
    let page = "<a id=\"x\" href=\"b.html\"><a href=\"a.html#y\">\
                <a href=\"#x\"><a href=\"https://e.org/\">\
                <img src=\"https://e.org/i.png\">\
                <script src=\"//e.org/s.js\"></script>\
                <link rel=\"stylesheet\" href=\"http://e.org/s.css\">";
    fs::write(folder.path().join("a.html"), page).unwrap();
    fs::write(folder.path().join("s.css"), "url('https://e.org/f')").unwrap();
    let built = Built::read(folder.path());
    assert_eq!(built.dead_links(), ["a.html: b.html", "a.html: a.html#y"]);
    assert_eq!(
        built.external_resources(),
        [
            "a.html: https://e.org/i.png",
            "a.html: //e.org/s.js",
            "a.html: http://e.org/s.css",
            "s.css: https://e.org/f",
        ]
    );
}

#[test]
fn a_port_in_use_is_reported_in_one_line_before_any_work() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = book(&["--listen", &address]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        stderr(&output),
        format!(
            "book: cannot listen on {address} (try --listen 127.0.0.1:0): \
             Address already in use (os error 98)\n"
        )
    );
}

#[test]
fn a_missing_chapter_is_reported_with_its_line() {
    let root = small_book("# A\n");
    let summary = root.path().join("book/src/SUMMARY.md");
    fs::write(summary, "# Summary\n\n[A](a.md)\n[B](b.md)\n").unwrap();
    let output = build_small(&root);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    let wanted = "book/src/SUMMARY.md:4: there is no book/src/b.md\n";
    assert!(said.ends_with(wanted), "{said}");
    assert!(!root.path().join("book/src/b.md").exists());
}

#[test]
fn a_failed_build_keeps_the_old_book() {
    let root = small_book("# A\n");
    let output = build_small(&root);
    assert!(output.status.success(), "{}", stderr(&output));
    let built = root.path().join("book/book/a.html");
    let before = fs::read_to_string(&built).unwrap();
    fs::write(root.path().join("book/src/a.md"), "# B\n\n[x](b.md)").unwrap();
    let output = build_small(&root);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    let wanted = "1 problem in the book\n\
                  book/src/a.md:3: there is no page b.md\n";
    assert!(said.ends_with(wanted), "{said}");
    assert_eq!(fs::read_to_string(&built).unwrap(), before);
}

#[test]
fn a_book_for_a_class_has_no_answers() {
    let folded = |name| {
        format!(
            "<details>\n<summary>{name}</summary>\n\n{name}!\n\n</details>\n"
        )
    };
    let page = ["Answer", "Solution", "Hint"].map(folded).join("\n");
    let root = small_book(&format!("# A\n\n{page}"));
    let built = root.path().join("book/book/a.html");
    for (flags, answers) in [(&[][..], true), (&["--no-answers"], false)] {
        let output = build_small_with(&root, flags);
        assert!(output.status.success(), "{}", stderr(&output));
        let text = fs::read_to_string(&built).unwrap();
        assert_eq!(text.contains("Answer!"), answers);
        assert_eq!(text.contains("Solution!"), answers);
        assert!(text.contains("Hint!"));
    }
}

#[test]
fn a_warning_from_mdbook_is_an_error() {
    let output = build_small(&small_book("# A\n\n<div>\n\nnever closed\n"));
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("unclosed HTML tag `<div>`"), "{said}");
    assert!(said.ends_with("book: mdBook gave a warning\n"), "{said}");
}

#[test]
fn exit_codes() {
    let code =
        |arguments: &[&str]| book(arguments).output().unwrap().status.code();
    assert_eq!(code(&["preprocess", "supports", "html"]), Some(0));
    assert_eq!(code(&["preprocess", "supports", "epub"]), Some(1));
    assert_eq!(code(&["--listen", "nowhere"]), Some(2));
    assert_eq!(code(&["serve"]), Some(2));
}

/// Speaks mdBook's protocol: context and book on standard input, the book on
/// standard output.
fn preprocess(page: &str) -> (Output, BTreeMap<String, Value>) {
    let root = small_book(page);
    let context = json!({
        "root": root.path().join("book"),
        "config": { "book": { "title": "T" } },
        "renderer": "html",
        "mdbook_version": "0.5.4",
    });
    let chapter = json!({
        "name": "A",
        "content": page,
        "number": null,
        "sub_items": [],
        "path": "a.md",
        "source_path": "a.md",
        "parent_names": [],
    });
    let input = json!([context, { "items": [{ "Chapter": chapter }] }]);
    let mut process = book(&["preprocess"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = process.stdin.take().unwrap();
    stdin.write_all(input.to_string().as_bytes()).unwrap();
    drop(stdin);
    let output = process.wait_with_output().unwrap();
    let book = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output, book)
}

#[test]
fn plain_mdbook_gets_the_same_pages_and_the_same_problems() {
    let (output, book) = preprocess("`a`\n\n```text\n\\{{#x}}\n```\n");
    assert!(output.status.success(), "{}", stderr(&output));
    let content = &book["items"][0]["Chapter"]["content"];
    assert_eq!(content, "`a`\n\n```text\n{{#x}}\n```\n");
    let (output, book) = preprocess("{{#x}}\n");
    assert_eq!(output.status.code(), Some(1));
    assert!(book.is_empty());
    let wanted = "book/src/a.md:1: there is no directive {{#x}}\n";
    assert!(stderr(&output).ends_with(wanted), "{}", stderr(&output));
}
