//! Splits lines of comma-separated values.

/// Splits a line at its commas, except inside quotes: RFC 4180 section 2.
pub fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let (mut quoted, mut chars) = (false, line.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            ',' if !quoted => fields.push(String::new()),
            '"' if quoted && chars.peek() == Some(&'"') => {
                fields.iter_mut().last().into_iter().for_each(|f| f.push('"'));
                chars.next();
            }
            '"' => quoted = !quoted,
            c => fields.iter_mut().last().into_iter().for_each(|f| f.push(c)),
        }
    }
    fields
}
