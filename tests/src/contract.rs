//! The promise without the wording, for servers that are not ours.
//!
//! Of each answer only what the contract of the stages fixes is kept: the
//! status, the fields below in one order, and the body of a success. Reason
//! phrases, other fields, and how an error page reads are the server's own.

/// Fields whose value counts, in the order in which they are compared.
const VALUES: [&str; 9] = [
    "accept-ranges",
    "allow",
    "connection",
    "content-length",
    "content-range",
    "content-type",
    "last-modified",
    "location",
    "x-content-type-options",
];

/// Fields that must be there, whatever they say.
const PRESENCE: [&str; 2] = ["date", "etag"];

/// Fields that describe the body, and so are free where the body is.
const OF_THE_BODY: [&str; 2] = ["content-length", "content-type"];

/// A transcript reduced to the contract; the same for snapshot and run.
#[must_use]
pub fn canonical(transcript: &str) -> String {
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
        kept.extend(fields(&head, success).map(|f| format!("{prefix}{f}")));
        // What follows is the body, up to whatever begins something new.
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
        || rest.starts_with("[the same answer")
        || ends.contains(&rest)
}

fn fields(head: &[&str], success: bool) -> impl Iterator<Item = String> {
    let mut fields = Vec::new();
    for line in head {
        let Some((name, value)) = line.split_once(':') else { continue };
        let name = name.to_ascii_lowercase();
        let value = value.trim().trim_end_matches("\\r\\n");
        if PRESENCE.contains(&name.as_str()) {
            fields.push(format!("{name}: (present)"));
        }
        let free = !success && OF_THE_BODY.contains(&name.as_str());
        if VALUES.contains(&name.as_str()) && !free {
            // On a 1.1 connection `keep-alive` says what holds anyway.
            if name == "connection" && !value.eq_ignore_ascii_case("close") {
                continue;
            }
            let value = match name.as_str() {
                "connection" | "content-type" => value.to_ascii_lowercase(),
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
