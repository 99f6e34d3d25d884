//! Terms link to the glossary, and bold terms must be in it.

use super::sandbox::{Sandbox, with};

const GLOSSARY: &str = "\
# Glossary

accept queue
: Where connections wait.

queue
: First in, first out.
";

fn page(text: &str) -> Sandbox {
    let mut sandbox = with(text);
    sandbox.page("glossary.md", GLOSSARY);
    sandbox
}

fn link(id: &str, text: &str) -> String {
    format!("<a class=\"term\" href=\"glossary.html#{id}\">{text}</a>")
}

#[test]
fn the_first_use_of_a_term_is_a_link() {
    let text = "# The queue\n\n`queue` enqueue [queue](bind.md) \
                Queues: the **accept queue** is a queue.\n";
    let wanted = format!(
        "# The queue\n\n`queue` enqueue [queue](bind.md) \
         {}: the **{}** is a queue.\n",
        link("queue", "Queues"),
        link("accept-queue", "accept queue"),
    );
    assert_eq!(page(text).text("a.md"), wanted);
}

#[test]
fn an_abbreviation_does_not_match_inside_a_word() {
    let mut sandbox = with("To find the FIN.\n");
    sandbox.page("glossary.md", "# Glossary\n\nFIN\n: The end.\n");
    let wanted = format!("To find the {}.\n", link("fin", "FIN"));
    assert_eq!(sandbox.text("a.md"), wanted);
}

#[test]
fn a_bold_term_that_is_missing() {
    page("An accept queue, a queue.\n\nThis is a **FIN**.\n")
        .finds("book/src/a.md:3: the glossary has no **FIN**");
}

#[test]
fn bold_type_that_opens_a_paragraph_is_a_title() {
    let text = "**Note.** An accept queue, a queue.\n\n- **Two.** Yes.\n";
    assert!(page(text).run().is_ok());
}

#[test]
fn a_term_that_no_page_uses() {
    page("A queue.\n")
        .finds("book/src/glossary.md:3: no page uses the term accept queue");
}

#[test]
fn a_directive_is_not_prose() {
    let mut sandbox = page(
        "An accept queue.\n\n{{#source stage1-one/src/queue.rs}}\n\nA queue.\n",
    );
    sandbox.file("stage1-one/src/queue.rs", "fn queue() {}\n");
    let text = sandbox.text("a.md");
    assert!(text.contains(&format!("A {}.", link("queue", "queue"))), "{text}");
}
