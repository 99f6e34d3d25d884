//! The header of a patch file, in front of the diff.
//!
//! ```text
//! Title: Large bodies without a copy
//! Idea: The kernel moves a file to a socket on its own, so the bytes never
//!   enter the server's memory.
//! Try: cargo run -- --quiet .
//!   curl -so /dev/null http://127.0.0.1:8080/big.bin
//! Lacks: A client that sends nothing keeps its connection forever.
//! ---
//! ```

/// The placeholder for a value that the author has not written yet.
pub const TODO: &str = "TODO";

/// The line between the header and the diff.
pub const END: &str = "---";

/// A header: fields, each with one or more lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The text in the file, without the line [`END`].
    text: String,
    fields: Vec<(String, Vec<String>)>,
}

impl Header {
    /// Reads `Field: value` lines; an indented line continues the field.
    ///
    /// # Errors
    /// A malformed line; the message has its number.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut fields: Vec<(String, Vec<String>)> = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let value = line.trim().to_owned();
            if line.starts_with([' ', '\t']) {
                match fields.last_mut() {
                    Some((_, lines)) => lines.push(value),
                    None => return Err(not_a_field(number, line)),
                }
                continue;
            }
            let (name, value) = line
                .split_once(':')
                .ok_or_else(|| not_a_field(number, line))?;
            if fields.iter().any(|(known, _)| known == name) {
                return Err(format!("line {number}: a second `{name}:`"));
            }
            let lines = vec![value.trim().to_owned()];
            fields.push((name.to_owned(), lines));
        }
        Ok(Self { text: text.to_owned(), fields })
    }

    /// A header with a placeholder in each field.
    #[must_use]
    pub fn to_fill_in(names: &[&str]) -> Self {
        let fields: Vec<_> = names
            .iter()
            .map(|name| ((*name).to_owned(), vec![TODO.to_owned()]))
            .collect();
        let lines: Vec<_> =
            names.iter().map(|name| format!("{name}: {TODO}\n")).collect();
        let text = lines.concat();
        Self { text, fields }
    }

    /// The header's text in the file.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The names of the fields, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|(name, _)| name.as_str())
    }

    /// The non-empty lines of a field, such as commands.
    #[must_use]
    pub fn lines(&self, name: &str) -> Vec<&str> {
        let field = self.fields.iter().find(|(known, _)| known == name);
        let lines = field.into_iter().flat_map(|(_, lines)| lines);
        lines.map(String::as_str).filter(|line| !line.is_empty()).collect()
    }

    /// A field as one paragraph; empty if it is missing.
    #[must_use]
    pub fn paragraph(&self, name: &str) -> String {
        self.lines(name).join(" ")
    }
}

fn not_a_field(number: usize, line: &str) -> String {
    format!("line {number}: expected `Field: value`, found `{line}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_may_be_continued() {
        let text = "Title: A title\nIdea: One\n  sentence.\nTry: a\n  b: c\n";
        let header = Header::parse(text).unwrap();
        assert_eq!(header.paragraph("Title"), "A title");
        assert_eq!(header.paragraph("Idea"), "One sentence.");
        assert_eq!(header.lines("Try"), ["a", "b: c"]);
        assert_eq!(header.paragraph("Lacks"), "");
        assert_eq!(header.text(), text);
    }

    #[test]
    fn mistakes_have_a_line() {
        for (text, says) in [
            ("  a\n", "line 1"),
            ("Title: a\nb\n", "line 2: expected `Field: value`, found `b`"),
            ("Title: a\nTitle: b\n", "line 2: a second `Title:`"),
        ] {
            let error = Header::parse(text).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
