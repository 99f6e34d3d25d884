//! The small grammars that field values share (RFC 9110, section 5.6).

/// Whether `byte` may stand in a token: a method, a field name, a coding.
#[must_use]
pub fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether `text` is a token: one or more token bytes.
#[must_use]
pub fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().copied().all(is_token_byte)
}

/// Whether `byte` may stand in a field value: visible, space, tab or beyond
/// ASCII. Everything else could mean something to a less careful recipient.
#[must_use]
pub fn is_value_byte(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// `text` without the spaces and tabs at its ends.
#[must_use]
pub fn trim(text: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let Some(start) = text.iter().position(|byte| !blank(byte)) else {
        return b"";
    };
    let end = text.iter().rposition(|byte| !blank(byte)).unwrap_or(start);
    text.get(start..=end).unwrap_or_default()
}

/// The members of a comma-separated list. Empty ones are skipped, as RFC 9110,
/// section 5.6.1.2 requires.
pub fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(trim).filter(|m| !m.is_empty())
}

/// A number of one or more decimal digits and nothing else: no sign, no blank,
/// no `0x`. `None` also if it exceeds 64 bits.
#[must_use]
pub fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// The number a hexadecimal digit stands for.
#[must_use]
pub fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| digit.try_into().ok())
}
