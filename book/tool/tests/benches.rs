//! Tables and plots of results, and the checks on them.

use super::sandbox::{Sandbox, with};

const HEAD: &str = "\
# title: Many clients
# unit: µs a request
# date: today
# machine: a laptop
# kernel: Linux 6
# congestion control: cubic
# load: wrk
# commit: abc
case,server,median,low,high,to_floor,answers_per_s,rounds,note
";

const SVG: &str = "<svg class=\"plot\">\n<desc>today</desc>\n\
    <style>.plot{color:#222}</style>\n<text>\nx\n</text>\n\n</svg>\n";

fn sandbox(directive: &str, rows: &str) -> Sandbox {
    let mut sandbox = with(&format!("{{{{#{directive} many}}}}\n"));
    sandbox.file("book/src/bench/many.csv", &format!("{HEAD}{rows}"));
    sandbox.file("book/src/bench/many.svg", SVG);
    sandbox
}

fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part}\nnot in\n{text}");
    }
}

#[test]
fn one_case_gives_a_row_per_server() {
    let rows = ",floor,4,3.5,5.25,1,81000,3,\n\
                ,stage1-one,123.4,120,130,30.85,9000,3,\"a, \"\"b\"\"\"\n";
    let text = sandbox("bench", rows).text("a.md");
    has(
        &text,
        &[
            "| server | median | range | ratio to floor | responses/s \
             | note |",
            "| floor | 4.00 | 3.50 to 5.25 | 1.00 | 81000 |  |",
            "| stage1-one | 123 | 120 to 130 | 30.85 | 9000 | \
             a, &quot;b&quot; |",
            "Many clients. µs a request: a laptop; Linux 6, cubic; load by wrk; \
             commit abc, today (<a href=\"bench/many.csv\">many.csv</a>)",
        ],
    );
}

#[test]
fn several_cases_stand_side_by_side() {
    let rows = "0 idle,floor,4,4,4,1,,3,\n\
                0 idle,stage1-one,6,6,6,1.5,,3,\n\
                10 idle,stage1-one,60,60,60,,,3,\n";
    let text = sandbox("bench", rows).text("a.md");
    has(
        &text,
        &[
            "| | 0 idle | 10 idle |\n| --- | ---: | ---: |\n",
            "| floor | 4.00 (1.0×) | – |",
            "| stage1-one | 6.00 (1.5×) | 60.0 |",
        ],
    );
}

#[test]
fn a_drawing_takes_the_style_of_the_page() {
    let text = sandbox("plot", ",stage1-one,4,4,4,,,3,\n").text("a.md");
    has(
        &text,
        &[
            "<figure class=\"diagram\"><svg class=\"plot\">",
            "<figcaption>Many clients</figcaption>",
        ],
    );
    assert!(!text.contains("<style>"), "{text}");
    assert!(!text.trim_end().contains('\n'), "{text}");
}

#[test]
fn a_drawing_needs_its_table() {
    with("{{#plot many}}\n").finds(
        "book/src/a.md:1: cannot read book/src/bench/many.csv: \
         No such file or directory (os error 2)",
    );
}

#[test]
fn a_drawing_of_another_run() {
    let mut sandbox = sandbox("plot", ",stage1-one,4,4,4,,,3,\n");
    let other = SVG.replace("today", "yesterday");
    sandbox.file("book/src/bench/many.svg", &other);
    sandbox.finds(
        "book/src/a.md:1: book/src/bench/many.svg is from `yesterday`, \
         but its table is from `today`",
    );
}

#[test]
fn a_stage_that_no_longer_exists() {
    for directive in ["bench", "plot"] {
        sandbox(directive, ",stage7-gone,4,4,4,,,3,\n").finds(
            "book/src/a.md:1: book/src/bench/many.csv: \
             there is no stage stage7-gone",
        );
    }
}

#[test]
fn a_server_without_figures() {
    sandbox("bench", ",nginx,,,,,,0,FAILED: 404\n").finds(
        "book/src/a.md:1: book/src/bench/many.csv:10: \
         no result for nginx: FAILED: 404",
    );
}

#[test]
fn a_line_that_is_cut_short() {
    sandbox("bench", ",nginx,1,1\n").finds(
        "book/src/a.md:1: book/src/bench/many.csv:10: \
             expected 9 fields, found 4",
    );
    sandbox("bench", "")
        .finds("book/src/a.md:1: book/src/bench/many.csv has no results");
}

#[test]
fn a_drawing_that_no_page_shows_needs_its_table_too() {
    let mut sandbox = Sandbox::new();
    sandbox.file("book/src/bench/many.svg", SVG);
    sandbox.finds(
        "book/src/bench/many.svg:1: its table book/src/bench/many.csv \
         is missing",
    );
}
