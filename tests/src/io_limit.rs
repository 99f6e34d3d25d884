//! Tiny I/O: every script runs once more, against a server that receives and
//! sends one byte at a time through the smallest buffers the kernel has. A
//! server's behaviour must not depend on how much one call returns.

/// About the most calls that a script takes. A script that moves more bytes
/// than this gets a higher limit.
const CALLS: usize = 65_536;

/// The value of `--io-limit` for a script whose transcript is `transcript`.
#[must_use]
pub fn size(transcript: &str) -> usize {
    moved(transcript) / CALLS + 1
}

/// About how many bytes were transferred, in both directions.
fn moved(transcript: &str) -> usize {
    let (mut total, mut response, mut times) = (0, 0, 1);
    for line in transcript.lines() {
        let Some((_, text)) = line.split_once(['<', '>']) else { continue };
        let text = text.trim_start();
        let count = first_number(text);
        if text.starts_with("[repeat ") {
            times = count;
        } else if text == "[end of repeat]" {
            times = 1;
        } else if text.starts_with("[the same response ") {
            total += response * count;
        } else if text.starts_with("HTTP/1.1 ") {
            response = text.len();
            total += response;
        } else if line.contains('<') {
            let bytes = text.len().max(if is_body(text) { count } else { 0 });
            response += bytes;
            total += bytes;
        } else {
            let bytes = text.len().max(if is_fill(text) { count } else { 0 });
            total += bytes * times;
        }
    }
    total
}

/// `[65536 bytes, fnv1a …]` stands for a long body.
fn is_body(text: &str) -> bool {
    text.starts_with('[') && text.contains(" bytes, fnv1a ")
}

/// `[65536 times a]` stands for what `fill` sends.
fn is_fill(text: &str) -> bool {
    text.starts_with('[') && text.contains(" times ")
}

/// The first number in a line; 0 if there is none.
fn first_number(text: &str) -> usize {
    let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    let end = digits.find(|c: char| !c.is_ascii_digit());
    digits[..end.unwrap_or(digits.len())].parse().unwrap_or(0)
}
