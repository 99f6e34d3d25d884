//! Each kind of problem fails the build, and is reported with file and line.

use super::sandbox::{Sandbox, with};

#[test]
fn a_workspace_without_faults_passes() {
    assert!(Sandbox::new().run().is_ok());
}

#[test]
fn a_missing_file() {
    with("# A\n\n{{#source stage1-one/src/none.rs}}\n").finds(
        "book/src/a.md:3: cannot read stage1-one/src/none.rs: \
         No such file or directory (os error 2)",
    );
}

#[test]
fn a_file_outside_the_workspace() {
    with("{{#source ../etc/passwd}}\n")
        .finds("book/src/a.md:1: ../etc/passwd is outside the workspace");
}

#[test]
fn a_missing_anchor() {
    with("{{#source stage1-one/src/socket.rs:none}}\n").finds(
        "book/src/a.md:1: stage1-one/src/socket.rs: \
         there is no `ANCHOR: none`",
    );
}

#[test]
fn a_missing_item() {
    with("\n{{#source stage1-one/src/socket.rs#none}}\n").finds(
        "book/src/a.md:2: stage1-one/src/socket.rs: there is no item none",
    );
}

#[test]
fn an_unused_anchor() {
    let mut sandbox = Sandbox::new();
    sandbox.page("bind.md", "Nothing.\n");
    sandbox.finds(
        "stage1-one/src/socket.rs:5: no page of the book shows the anchor bind",
    );
}

#[test]
fn a_missing_snapshot_help_and_script() {
    let text = "{{#snapshot stage1-one/none}}\n\n{{#help stage1-one}}\n\n\
                {{#script group/none}}\n";
    let problems = with(text).run().unwrap_err();
    for wanted in [
        "book/src/a.md:1: cannot read tests/snapshots/stage1-one/none.snap:",
        "book/src/a.md:3: cannot read tests/snapshots/stage1-one/help.snap:",
        "book/src/a.md:5: cannot read tests/conversations/group/none.http:",
    ] {
        assert!(problems.contains(wanted), "{wanted}\nnot in\n{problems}");
    }
    assert!(problems.starts_with("3 problems"), "{problems}");
}

#[test]
fn a_page_that_the_summary_does_not_name() {
    let mut sandbox = Sandbox::new();
    sandbox.file("book/src/deep/orphan.md", "# Lost\n");
    sandbox
        .finds("book/src/deep/orphan.md:1: SUMMARY.md does not name this page");
}

#[test]
fn a_line_of_code_that_is_too_wide() {
    let fits = "x".repeat(80);
    assert!(with(&format!("```text\n{fits}\n```\n")).run().is_ok());
    let wide = "x".repeat(81);
    for text in [
        format!("# A\n\n```text\nfirst\n{wide}\n```\n"),
        format!("- a list\n\n  ```text\n  first\n  {wide}\n  ```\n"),
    ] {
        with(&text).finds(
            "book/src/a.md:3: line 2 of the code is 81 columns wide; \
             the limit is 80",
        );
    }
}

#[test]
fn a_wide_line_in_an_excerpt() {
    let mut sandbox = with("{{#source stage1-one/src/wide.rs}}\n");
    let wide = "x".repeat(78);
    sandbox.file("stage1-one/src/wide.rs", &format!("// {wide}\n"));
    sandbox.finds(
        "book/src/a.md:1: line 1 of the code is 81 columns wide; \
         the limit is 80",
    );
}

#[test]
fn an_unknown_directive() {
    with("{{#include x.rs}}\n")
        .finds("book/src/a.md:1: there is no directive {{#include}}");
}

#[test]
fn a_directive_within_a_sentence() {
    let wanted = "book/src/a.md:1: a directive needs a line of its own: \
                  {{#name ...}}";
    with("See {{#sources}} here.\n").finds(wanted);
    with("{{#script a/b}} and more\n").finds(wanted);
    with("{{#script a/b}} {{#script c/d}}\n").finds(wanted);
}

#[test]
fn a_directive_in_a_code_block() {
    with("```rust\n{{#source stage1-one/src/socket.rs}}\n```\n").finds(
        "book/src/a.md:2: a directive does nothing in a code block; \
         to show one, write \\{{#",
    );
}

#[test]
fn a_directive_can_be_shown() {
    let shown = "`{{#x}}` and\n\n```text\n{{#x}}\n```\n";
    let text = "`{{#x}}` and\n\n```text\n\\{{#x}}\n```\n";
    assert_eq!(with(text).text("a.md"), shown);
}

#[test]
fn two_lists_of_sources_or_none() {
    with("{{#sources}}\n").finds(
        "book/src/SUMMARY.md:1: 2 pages have {{#sources}}; exactly one must",
    );
    let mut sandbox = Sandbox::new();
    sandbox.page("sources.md", "None.\n");
    sandbox.finds(
        "book/src/SUMMARY.md:1: 0 pages have {{#sources}}; exactly one must",
    );
}

#[test]
fn all_problems_come_at_once_in_order() {
    let sandbox = with("[x](none.md)\n\n{{#nothing}}\n\n[y](gone.md)\n");
    assert_eq!(
        sandbox.run().unwrap_err(),
        "3 problems in the book\n\
         book/src/a.md:1: there is no page none.md\n\
         book/src/a.md:3: there is no directive {{#nothing}}\n\
         book/src/a.md:5: there is no page gone.md"
    );
}

#[test]
fn a_folder_outside_the_workspace_is_not_a_stage() {
    let mut sandbox = with("{{#options stage8-no}}\n");
    sandbox.file("stage8-no/src/main.rs", "// ANCHOR: x\n// ANCHOR_END: x\n");
    sandbox.finds("book/src/a.md:1: there is no stage stage8-no");
}
