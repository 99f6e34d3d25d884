//! Where a redirect leads: a URI reference (RFC 3986, section 4.2).

use std::io::Write;

use super::target::{Target, is_escape};

/// Visible bytes that neither a path nor a query may hold (RFC 3986, appendix
/// A). Clients send them anyway, and we accept them.
const NOT_IN_A_URI: &[u8] = b"\"#<>[\\]^`{|}";

/// The location of a directory: the same path with a slash at the end, and the
/// same query. It starts with one slash, whatever the client wrote: `//host`
/// would lead to another server.
#[must_use]
pub fn of_directory(target: &Target) -> Vec<u8> {
    let mut location = vec![b'/'];
    if let Target::Path { raw, query, .. } = target {
        let slashes = raw.iter().take_while(|&&byte| byte == b'/').count();
        encode(raw.get(slashes..).unwrap_or_default(), &mut location);
        if !location.ends_with(b"/") {
            location.push(b'/');
        }
        encode(query, &mut location);
    }
    location
}

/// Appends `text`, percent-encoding the bytes that a URI may not hold. Existing
/// escapes stay as they are, or the client would decode them to something else;
/// a `%` that encodes nothing becomes `%25`.
fn encode(text: &[u8], out: &mut Vec<u8>) {
    for (at, byte) in text.iter().enumerate() {
        let stray = *byte == b'%' && !is_escape(text, at);
        if stray || NOT_IN_A_URI.contains(byte) {
            // Writing into a Vec cannot fail.
            let _ = write!(out, "%{byte:02X}");
        } else {
            out.push(*byte);
        }
    }
}
