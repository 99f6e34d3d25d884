//! The facts about options, and the checks on them.

use super::sandbox::Sandbox;

const FACTS: &str = "\
[[option]]
name = \"SO_X\"
kind = \"option\"
level = \"`SOL_SOCKET`\"
type = \"`int`\"
on = \"listener\"
when = \"early\"
too_late = \"no | effect\"
inherited = \"yes\"
default = \"off\"
elsewhere = \"the same\"
code = \"socket.rs#listen\"
page = \"options/so_x.md\"
[option.choice]
stage1-one = { value = \"on\" }
";

fn sandbox(facts: &str, page: &str) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.file("book/options.toml", facts);
    sandbox.page("options/so_x.md", page);
    sandbox
}

#[test]
fn the_page_of_an_option_begins_with_its_facts() {
    let text =
        sandbox(FACTS, "# X\n\n{{#option SO_X}}\n").text("options/so_x.md");
    for row in [
        "| | `SO_X` |",
        "| Level | `SOL_SOCKET` |",
        "| Set on | listener |",
        "| Too late | no \\| effect |",
        "| stage1-one | on ([`listen`]\
         (../sources/stage1-one/src/socket.rs.html#L3)) |",
    ] {
        assert!(text.contains(row), "{row}\nnot in\n{text}");
    }
}

#[test]
fn the_table_shows_what_a_stage_chooses() {
    let mut sandbox = sandbox(FACTS, "{{#option SO_X}}\n");
    sandbox.file("stage2-two/src/socket.rs", "fn listen() {}\n");
    sandbox.page("table.md", "{{#options stage2-two}}\n");
    let text = sandbox.text("table.md");
    let row = "| [`SO_X`](options/so_x.md) | listener | off | on |";
    assert!(text.contains(row), "{text}");
    sandbox.page("table.md", "\n{{#options stage9-none}}\n");
    sandbox.finds("book/src/table.md:2: there is no stage stage9-none");
}

#[test]
fn an_option_without_its_box_is_reported() {
    sandbox(FACTS, "# X\n")
        .finds("book/src/options/so_x.md:1: {{#option SO_X}} is missing");
}

#[test]
fn a_box_belongs_on_its_page() {
    let mut sandbox = sandbox(FACTS, "{{#option SO_X}}\n");
    sandbox.page("a.md", "\n{{#option SO_X}}\n");
    sandbox.finds("book/src/a.md:2: SO_X belongs on options/so_x.md");
    sandbox.page("a.md", "{{#option SO_Y}}\n");
    sandbox.finds("book/src/a.md:1: book/options.toml has no option SO_Y");
}

#[test]
fn wrong_facts_are_reported_with_their_line() {
    let wrong = [
        ("when =", "whne =", ":7: unknown field `whne`"),
        ("when = \"early\"\n", "", ":1: missing field `when`"),
        ("\"listener\"", "\"server\"", ":6: unknown variant `server`"),
        ("stage1-one =", "stage7-x =", ":2: SO_X: there is no stage stage7-x"),
        (
            "stage1-one = { value = \"on\" }\n",
            "",
            ":2: SO_X: no stage makes a choice",
        ),
        ("\"yes\"", "\" \"", ":2: SO_X: a text is empty"),
        (
            "\"yes\"",
            "\"[a](b)\"",
            ":2: SO_X: links are not allowed here: [a](b)",
        ),
        (
            "options/so_x.md",
            "options/so_y.md",
            ":2: SO_X: there is no page book/src/options/so_y.md",
        ),
    ];
    for (old, new, message) in wrong {
        let facts = FACTS.replace(old, new);
        let sandbox = sandbox(&facts, "{{#option SO_X}}\n");
        let problems = sandbox.run().unwrap_err();
        let wanted = format!("book/options.toml{message}");
        assert!(problems.contains(&wanted), "{wanted}\nnot in\n{problems}");
    }
    let twice = format!("{FACTS}{FACTS}");
    sandbox(&twice, "{{#option SO_X}}\n")
        .finds("book/options.toml:2: SO_X is defined twice");
}

#[test]
fn missing_code_is_reported() {
    let facts = FACTS.replace("#listen", "#gone");
    sandbox(&facts, "\n{{#option SO_X}}\n").finds(
        "book/src/options/so_x.md:2: stage1-one/src/socket.rs: \
         there is no item gone",
    );
}

/// A test's snapshot. The option in `FACTS` has the row `SO_X`.
const KERNEL: &str = "---
source: x
---
option  127.0.0.1  [::]  accepted
SO_X    on         -     on
SO_Y    1 s        1 s   default
";

const SNAPSHOT: &str = "tests/snapshots/stage1-one/kernel.snap";

/// A workspace with the snapshot `KERNEL`.
fn with_kernel(facts: &str) -> Sandbox {
    let mut sandbox = sandbox(facts, "{{#option SO_X}}\n");
    sandbox.file(SNAPSHOT, KERNEL);
    sandbox
}

fn rowed(facts: &str) -> String {
    facts.replace("[option.choice]", "row = \"SO_X\"\n[option.choice]")
}

#[test]
fn facts_must_match_the_kernel() {
    assert!(with_kernel(&rowed(FACTS)).run().is_ok());
    let other = rowed(FACTS).replace("SO_X\"\n[", "SO_Y\"\n[");
    for (facts, message) in [
        (
            rowed(FACTS).replace("\"on\"", "\"off\""),
            "the value for stage1-one is \"off\", \
             but tests/snapshots/stage1-one/kernel.snap has \"on\"",
        ),
        (
            other.clone(),
            "the value for stage1-one is \"on\", \
             but tests/snapshots/stage1-one/kernel.snap has \"1 s\"",
        ),
        // The option is inherited, so the connection must have it too.
        (
            other.replace("\"on\" }", "\"1 s\" }"),
            "the value for stage1-one is \"1 s\", \
             but tests/snapshots/stage1-one/kernel.snap has \"default\"",
        ),
        (
            rowed(FACTS).replace("SO_X\"\n[", "SO_Z\"\n["),
            "tests/snapshots/stage1-one/kernel.snap has no row SO_Z, \
             but `row` names it",
        ),
        (
            FACTS.to_string(),
            "tests/snapshots/stage1-one/kernel.snap has this option: \
             name its row in `row`",
        ),
    ] {
        let message = format!("book/options.toml:2: SO_X: {message}");
        with_kernel(&facts).finds(&message);
    }
    // The option is not inherited, so only the listeners count.
    let alone = other.replace("\"on\" }", "\"1 s\" }");
    let alone = alone.replace("\"yes\"", "\"no: not at all\"");
    assert!(with_kernel(&alone).run().is_ok());
}

#[test]
fn a_choice_holds_until_the_next_one() {
    let mut sandbox = with_kernel(&rowed(FACTS));
    sandbox.file("stage2-two/src/socket.rs", "fn listen() {}\n");
    sandbox.finds(
        "book/options.toml:2: SO_X: \
         cannot read tests/snapshots/stage2-two/kernel.snap",
    );
    let second = "tests/snapshots/stage2-two/kernel.snap";
    sandbox.file(second, &KERNEL.replace("on ", "off"));
    sandbox.finds(
        "book/options.toml:2: SO_X: the value for stage2-two is \"on\", \
         but tests/snapshots/stage2-two/kernel.snap has \"off\"",
    );
    let later = FACTS.replace("stage1-one", "stage2-two");
    sandbox.file("book/options.toml", &later);
    let problems = sandbox.run().unwrap_err();
    let wanted = "SO_X: `untouched` must give the value in stage1-one";
    assert!(problems.contains(wanted), "{problems}");
}

#[test]
fn inheritance_must_match_the_lab() {
    let lab = "tests/snapshots/stage1-one/lab-inheritance.snap";
    let text = "---\nx\n---\noption  listener  accepted  inherited\n\
                SO_X    7 s       default   no\n";
    let mut sandbox = sandbox(FACTS, "{{#option SO_X}}\n");
    sandbox.file(lab, &text.replace("default   no", "7 s       yes"));
    assert!(sandbox.run().is_ok());
    sandbox.file(lab, text);
    let begin = "book/options.toml:2: SO_X: `inherited` says";
    let end = "but tests/snapshots/stage1-one/lab-inheritance.snap has \"no\"";
    sandbox.finds(&format!("{begin} \"yes\", {end}"));
    let vague = FACTS.replace("\"yes\"", "\"sometimes\"");
    sandbox.file("book/options.toml", &vague);
    sandbox.finds(&format!("{begin} \"neither yes nor no\", {end}"));
    let no = FACTS.replace("\"yes\"", "\"no: never\"");
    sandbox.file("book/options.toml", &no);
    assert!(sandbox.run().is_ok());
}

#[test]
fn the_tables_of_all_stages() {
    let facts = FACTS
        .replace("stage1-one", "stage3-three")
        .replace("[option.choice]", "untouched = \"off\"\n[option.choice]")
        .replace("code = \"socket.rs#listen\"\n", "");
    let facts =
        facts.replace("untouched", "labs = [\"stage1-one/try_it\"]\nuntouched");
    let mut sandbox = sandbox(&facts, "{{#option SO_X}}\n");
    sandbox.file("stage2-two/src/socket.rs", "fn listen() {}\n");
    sandbox.file("stage3-three/src/socket.rs", "fn listen() {}\n");
    sandbox.page("table.md", "{{#choices}}\n\n{{#moments}}\n");
    sandbox.finds(
        "book/options.toml:2: SO_X: \
         there is no lab stage1-one/examples/try_it.rs",
    );
    sandbox.file("stage1-one/examples/try_it.rs", "fn main() {}\n");
    let text = sandbox.text("table.md");
    for row in [
        "| [`SO_X`](options/so_x.md) | off | 1–2: off; 3: on \
         | [`try_it`](sources/stage1-one/examples/try_it.rs.html) |",
        "| [`SO_X`](options/so_x.md) | `SOL_SOCKET` | listener | early \
         | yes |",
    ] {
        assert!(text.contains(row), "{row}\nnot in\n{text}");
    }
}
