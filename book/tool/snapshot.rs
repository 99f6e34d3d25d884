//! The files of insta.

/// insta writes what it knows of a snapshot between two lines `---`.
pub fn without_header(text: &str) -> Option<&str> {
    let (_, body) = text.strip_prefix("---\n")?.split_once("\n---\n")?;
    Some(body.trim_end_matches('\n'))
}
