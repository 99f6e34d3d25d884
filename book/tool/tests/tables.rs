//! The facts on options, and the strictness about them.

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
stage1-one = \"on\"
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
fn an_option_without_its_box_is_missed() {
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
fn facts_are_refused_at_their_line() {
    let wrong = [
        ("when =", "whne =", ":7: unknown field `whne`"),
        ("when = \"early\"\n", "", ":1: missing field `when`"),
        ("\"listener\"", "\"server\"", ":6: unknown variant `server`"),
        ("stage1-one =", "stage7-x =", ":2: SO_X: there is no stage stage7-x"),
        ("stage1-one = \"on\"\n", "", ":2: SO_X: no stage chooses"),
        ("\"yes\"", "\" \"", ":2: SO_X: a text is empty"),
        ("\"yes\"", "\"[a](b)\"", ":2: SO_X: no links in these texts: [a](b)"),
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
        .finds("book/options.toml:2: SO_X stands here twice");
}

#[test]
fn code_that_has_gone_is_missed() {
    let facts = FACTS.replace("#listen", "#gone");
    sandbox(&facts, "\n{{#option SO_X}}\n").finds(
        "book/src/options/so_x.md:2: stage1-one/src/socket.rs: \
         there is no item gone",
    );
}
