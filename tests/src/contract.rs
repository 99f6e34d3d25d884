//! What the promises require of any server, without our wording.
//!
//! We keep only the parts of a response that the script's group is about, so
//! that a server fails the tests of the feature it lacks and no others. In
//! every group that means the status, the framing fields, `Allow` and
//! `Location`, and the body of a success. Other header fields count only in the
//! groups about headers. Reason phrases and error pages are up to the server.

/// The groups that test header fields.
const ABOUT_HEADS: [&str; 4] =
    ["conditionals", "head-method", "metadata", "ranges"];

/// The group that tests how a response announces the close. In all others it is
/// enough that the connection stays open or closes as it should.
const ABOUT_CLOSING: &str = "closing";

/// Fields whose value counts in every group.
const VALUES: [&str; 4] =
    ["allow", "content-length", "content-range", "location"];

/// Fields whose value counts in the groups about heads.
const DESCRIPTIVE: [&str; 4] = [
    "accept-ranges",
    "content-type",
    "last-modified",
    "x-content-type-options",
];

/// Fields that must be present in those groups, with any value.
const PRESENCE: [&str; 2] = ["date", "etag"];

/// Fields that describe the body: they don't count where the body doesn't.
const OF_THE_BODY: [&str; 2] = ["content-length", "content-type"];

/// A transcript of a script in `group`, reduced to the contract. Snapshot and
/// run are reduced alike.
#[must_use]
pub fn canonical(group: &str, transcript: &str) -> String {
    let mut kept = Vec::new();
    let mut lines = transcript.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((connection, status)) = status(line) else {
            kept.push(line.to_owned());
            continue;
        };
        let prefix = format!("{connection}< ");
        kept.push(format!("{prefix}{status}"));
        let mut head = Vec::new();
        for line in lines.by_ref() {
            match line.strip_prefix(&prefix) {
                Some("\\r\\n") | None => break,
                Some(field) => head.push(field),
            }
        }
        let success = status.starts_with('2');
        let fields = fields(group, &head, success);
        kept.extend(fields.map(|f| format!("{prefix}{f}")));
        if group == ABOUT_CLOSING && closes(line, &head) {
            kept.push(format!("{prefix}(says that it closes)"));
        }
        // The rest is the body, up to the next response or event.
        while let Some(line) = lines.next_if(|line| {
            line.starts_with(&prefix) && !begins_something(line, &prefix)
        }) {
            if success && line != format!("{prefix}[chunked]") {
                kept.push(line.to_owned());
            }
        }
    }
    kept.join("\n")
}

/// `A< HTTP/1.1 200 OK\r\n` is connection A and status 200.
fn status(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_suffix("\\r\\n")?;
    let (connection, rest) = line.split_once("< HTTP/1.")?;
    Some((connection, rest.get(2..5)?)).filter(|(name, _)| name.len() <= 1)
}

fn begins_something(line: &str, prefix: &str) -> bool {
    let rest = line.strip_prefix(prefix).unwrap_or("");
    let ends = ["[closed]", "[reset]", "[still open]"];
    rest.starts_with("HTTP/1.")
        || rest.starts_with("[the same response")
        || ends.contains(&rest)
}

/// Whether a response announces the end of the connection. An HTTP/1.0 response
/// does so unless it says keep-alive (RFC 9112 section 9.3).
fn closes(status_line: &str, head: &[&str]) -> bool {
    let says = |option: &str| {
        let field = format!("connection: {option}\\r\\n");
        head.iter().any(|line| line.eq_ignore_ascii_case(&field))
    };
    if status_line.contains("< HTTP/1.0 ") {
        !says("keep-alive")
    } else {
        says("close")
    }
}

/// The fields that count, by name.
fn fields(
    group: &str,
    head: &[&str],
    success: bool,
) -> impl Iterator<Item = String> {
    let all = ABOUT_HEADS.contains(&group);
    let mut fields = Vec::new();
    for line in head {
        let Some((name, value)) = line.split_once(':') else { continue };
        let name = name.to_ascii_lowercase();
        let value = value.trim().trim_end_matches("\\r\\n");
        if all && PRESENCE.contains(&name.as_str()) {
            fields.push(format!("{name}: (present)"));
        }
        let free = !success && OF_THE_BODY.contains(&name.as_str());
        let counts = VALUES.contains(&name.as_str())
            || all && DESCRIPTIVE.contains(&name.as_str());
        if counts && !free {
            let value = match name.as_str() {
                "content-type" => value.to_ascii_lowercase(),
                "allow" => sorted(value),
                _ => value.to_owned(),
            };
            fields.push(format!("{name}: {value}"));
        }
    }
    fields.sort();
    fields.into_iter()
}

/// A list of methods, in alphabetical order.
fn sorted(list: &str) -> String {
    let mut items: Vec<&str> = list.split(',').map(str::trim).collect();
    items.sort_unstable();
    items.join(", ")
}
