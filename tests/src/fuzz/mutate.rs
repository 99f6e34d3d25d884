//! Damaged requests, the same ones on every run.

/// Bytes that mutations insert: each means something to a parser.
const BYTES: &[u8] = b"\r\n\t\0 :;,=/.%?#*-+\"'\\0129afHTP\x7f\x80\xff";

/// Values that may replace a number in a request.
const NUMBERS: [&str; 8] = [
    "0",
    "00",
    "-1",
    "+1",
    "1048577",
    "9223372036854775808",
    "18446744073709551616",
    "0x10",
];

/// Number of mutations per request. Many requests have none, because a server
/// closes after a rejection and never sees the rest of the connection.
const MUTATIONS: [usize; 8] = [0, 0, 0, 0, 1, 1, 2, 4];

/// Marsaglia's xorshift: 64 bits of state, never zero.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Each seed gives a different sequence.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        // Adjacent seeds must not begin alike.
        let mixed = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self(mixed | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `bound`, which must be above 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(1);
        usize::try_from((self.next() >> 11) % bound).unwrap_or(0)
    }
}

/// A request from the corpus, most often with mutations; one in twenty is
/// random bytes.
#[must_use]
pub fn request(corpus: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    if random.below(20) == 0 {
        let length = random.below(200) + 1;
        return (0..length).map(|_| byte(random)).collect();
    }
    let mut bytes = pick(corpus, random).clone();
    for _ in 0..MUTATIONS[random.below(MUTATIONS.len())] {
        mutate(&mut bytes, corpus, random);
    }
    bytes
}

fn pick<'a>(corpus: &'a [Vec<u8>], random: &mut Random) -> &'a Vec<u8> {
    &corpus[random.below(corpus.len())]
}

fn byte(random: &mut Random) -> u8 {
    BYTES[random.below(BYTES.len())]
}

fn mutate(bytes: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut Random) {
    let position = random.below(bytes.len() + 1);
    let end = (position + random.below(16) + 1).min(bytes.len());
    match random.below(7) {
        0 => bytes.insert(position, byte(random)),
        1 if position < bytes.len() => bytes[position] = byte(random),
        2 if position < bytes.len() => bytes[position] ^= 1 << random.below(8),
        3 => drop(bytes.drain(position.min(end)..end)),
        4 => {
            let copy = bytes[position.min(end)..end].to_vec();
            bytes.splice(position..position, copy);
        }
        5 => {
            let other = pick(corpus, random);
            let from = random.below(other.len() + 1);
            bytes.truncate(position);
            bytes.extend(&other[from..]);
        }
        _ => number(bytes, random),
    }
}

/// Replaces the first run of digits after a random position.
fn number(bytes: &mut Vec<u8>, random: &mut Random) {
    let from = random.below(bytes.len() + 1);
    let is_digit = |b: &u8| b.is_ascii_digit();
    let Some(start) = bytes[from..].iter().position(is_digit) else { return };
    let start = from + start;
    let run = bytes[start..].iter().take_while(|b| is_digit(b)).count();
    let value = NUMBERS[random.below(NUMBERS.len())];
    bytes.splice(start..start + run, value.bytes());
}
