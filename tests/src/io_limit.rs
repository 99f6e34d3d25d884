//! Tiny I/O: every script once more, against a server that receives and sends
//! one byte at a time, through the smallest buffers that the kernel has. What a
//! server does must not depend on how much one call returns.

/// About how many calls a script takes at most. If it moves more bytes than
/// that, the limit is higher.
const CALLS: usize = 65_536;

/// The value of `--io-limit` for a script whose transcript is `transcript`.
#[must_use]
pub fn size(transcript: &str) -> usize {
    moved(transcript) / CALLS + 1
}

/// About how many bytes went either way.
fn moved(transcript: &str) -> usize {
    let (mut total, mut answer, mut times) = (0, 0, 1);
    for line in transcript.lines() {
        let Some((_, text)) = line.split_once(['<', '>']) else { continue };
        let text = text.trim_start();
        let count = first_number(text);
        if text.starts_with("[repeat ") {
            times = count;
        } else if text == "[end of repeat]" {
            times = 1;
        } else if text.starts_with("[the same answer ") {
            total += answer * count;
        } else if text.starts_with("HTTP/1.1 ") {
            answer = text.len();
            total += answer;
        } else if line.contains('<') {
            let bytes = text.len().max(if is_body(text) { count } else { 0 });
            answer += bytes;
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
