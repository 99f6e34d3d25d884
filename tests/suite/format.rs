//! A mistake in a script is reported with its line and the correct form.

use conversations::number::Number;
use conversations::script::{self, parse};

fn mistake(text: &str) -> String {
    match parse(text) {
        Ok(_) => panic!("no mistake found in:\n{text}"),
        Err((line, why)) => format!("{line}: {why}"),
    }
}

#[track_caller]
fn check(text: &str, line: usize, part: &str) {
    let message = mistake(text);
    assert!(message.starts_with(&format!("{line}: ")), "{message}");
    assert!(message.contains(part), "{message}");
}

#[test]
fn every_mistake_has_a_line_and_a_reason() {
    check("> GET\n", 1, "no promise");
    check("#\n> GET\n", 1, "no promise");
    check("# P\n", 1, "no conversation");
    check("# P\nform: 2\n> x\n", 2, "unknown setting `form`");
    check("# P\nfrom: 7\n> x\n", 2, "`7` is not a stage");
    check("# P\nfrom: 3\nuntil: 2\n> x\n", 1, "`until` is before `from`");
    check("# P\nsplit: on\n> x\n", 2, "the only value is `split: off`");
    check("# P\n> x\nfrom: 2\n", 3, "settings come before");
    check("# P\n> x\nsend y\n", 3, "unknown directive `send y`");
    check("# P\n>x\n", 2, "one space");
    check("# P\n>\n", 2, "one space");
    check("# P\n> x \n", 2, "write it as \\x20");
    check("# P\n> \\q\n", 2, "unknown escape \\q");
    check("# P\n> \\x0\n", 2, "two hex digits");
    check("# P\n> \\x+1\n", 2, "two hex digits");
    check("# P\n> x\\\n", 2, "single backslash");
    check("# P\n> {etga}\n", 2, "unknown placeholder {etga}");
    check("# P\n> {\n", 2, "unknown placeholder");
    check("# P\nread none\n", 2, "`none` is not a number");
    check("# P\nread 0\n", 2, "not a number above 0");
    check("# P\nfill 3 ab\n", 2, "one character");
    check("# P\nfill 3 {port}\n", 2, "one character");
    check("# P\ndrip ab\n", 2, "one character");
    check("# P\nio-limit: on\n> x\n", 2, "the only value is `io-limit: off`");
    check("# P\npause 0 ms\n", 2, "not a number above 0");
    check("# P\npause 99999 ms\n", 2, "1 to 10000 ms");
    check("# P\n> x\nrepeat 2\n> y\n", 3, "no `end`");
    check("# P\n> x\nend\n", 3, "without a `repeat`");
    check("# P\nA> x\nread 1\n", 3, "name their connection");
    check("# P\nrepeat 2\nA> x\n> x\nend\n", 4, "name their connection");
}

#[test]
fn a_script_says_what_it_means() {
    let text = "# One.\n# Two.\n\nfrom: 2\nuntil: 5.2\nflags: --a 1 --b\n\
                split: off\nio-limit: off\n\n# A note.\nA> x\\r\\n\n\nA read 1\n";
    let script = parse(text).unwrap();
    assert_eq!(script.promise, ["One.", "Two."]);
    let (from, until) = (Number::stage(2), Number::step(5, 2));
    assert_eq!((script.from, script.until), (from, until));
    // A sub-step comes before its stage and after the stage before.
    assert!(Number::stage(4) < until && until < Number::stage(5));
    assert_eq!(script.flags, ["--a", "1", "--b"]);
    assert!(!script.split);
    assert!(!script.io_limit);
    assert_eq!(script.steps.len(), 2);
    assert_eq!(script.steps[0].connection, "A");
    assert_eq!((script.steps[0].line, script.steps[1].line), (11, 13));
}

/// The stages run the scripts; this finds a mistake without any server.
#[test]
fn every_script_can_be_read() {
    let places = script::find_all(script::folder());
    assert!(!places.is_empty());
    let mistakes: Vec<_> =
        places.iter().filter_map(|place| place.load().err()).collect();
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}
