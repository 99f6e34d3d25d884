//! Reads insta's snapshot files.

/// The snapshot itself, without insta's header between two `---` lines.
pub fn without_header(text: &str) -> Option<&str> {
    let (_, body) = text.strip_prefix("---\n")?.split_once("\n---\n")?;
    Some(body.trim_end_matches('\n'))
}
