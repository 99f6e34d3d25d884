//! Helpers that write HTML.

/// Escapes text for HTML, including quoted attributes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

/// A code block with a caption: HTML around a Markdown fence. mdBook highlights
/// the fence and adds a copy button.
pub fn listing(caption: &str, language: &str, text: &str) -> String {
    let fence = fence_for(text);
    let text = text.trim_end_matches('\n');
    format!(
        "<figure class=\"listing\">\n<figcaption>{caption}</figcaption>\n\n\
         {fence}{language}\n{text}\n{fence}\n\n</figure>"
    )
}

/// A fence longer than any that the text contains.
fn fence_for(text: &str) -> String {
    let (mut longest, mut run) = (2, 0);
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    "`".repeat(longest + 1)
}

/// The longest line of code that fits on the page without scrolling.
pub const COLUMNS: usize = 80;

/// Reports the first line that is too wide.
pub fn check_width(text: &str) -> Result<(), String> {
    for (number, line) in (1..).zip(text.lines()) {
        let width = line.chars().count();
        if width > COLUMNS {
            return Err(format!(
                "line {number} of the code is {width} columns wide; the limit \
                 is {COLUMNS}"
            ));
        }
    }
    Ok(())
}

/// `../` for each folder that a page is deep.
pub fn to_root(page: &str) -> String {
    "../".repeat(page.matches('/').count())
}
