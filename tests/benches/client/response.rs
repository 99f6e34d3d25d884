//! Parses responses from a stream of bytes, and accepts only the expected one.

/// The expected response. It remembers the last correct head, so that it can
/// compare the next one without parsing it.
#[derive(Debug)]
pub struct Expected {
    /// The length of the body, in bytes.
    length: usize,
    /// The last correct head. It changes with `Date`.
    head: Vec<u8>,
}

impl Expected {
    /// A 200 with a body of `length` bytes.
    #[must_use]
    pub fn new(length: usize) -> Self {
        Self { length, head: Vec::new() }
    }

    /// # Errors
    /// The text says what is wrong with the head.
    fn check(&mut self, head: &[u8]) -> Result<(), String> {
        if head == self.head {
            return Ok(());
        }
        let text = String::from_utf8_lossy(head);
        let mut lines = text.split("\r\n");
        let status = lines.next().unwrap_or("");
        if !status.starts_with("HTTP/1.1 200 ") {
            return Err(format!("got `{status}`"));
        }
        let length = lines
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, value)| value.trim().parse::<usize>().ok());
        if length != Some(self.length) {
            let wanted = self.length;
            return Err(format!("{length:?} bytes announced, not {wanted}"));
        }
        head.clone_into(&mut self.head);
        Ok(())
    }
}

/// The parser's position in one connection's stream.
#[derive(Debug, Default)]
pub struct Reader {
    /// The beginning of an incomplete head.
    head: Vec<u8>,
    /// Number of body bytes still to come.
    rest: usize,
    /// Whether a response has begun and not ended.
    inside: bool,
}

impl Reader {
    /// Number of body bytes before the next head.
    #[must_use]
    pub fn rest(&self) -> usize {
        self.rest
    }

    /// Counts body bytes that were not copied. Returns whether they end the
    /// response.
    pub fn skip(&mut self, count: usize) -> bool {
        self.rest = self.rest.saturating_sub(count);
        let ended = self.inside && self.rest == 0;
        self.inside &= !ended;
        ended
    }

    /// Parses what was received; returns the number of responses it completes.
    ///
    /// # Errors
    /// The text says what is wrong with a response.
    pub fn take(
        &mut self,
        mut bytes: &[u8],
        expected: &mut Expected,
    ) -> Result<u64, String> {
        let mut responses = 0;
        while !bytes.is_empty() {
            if !self.inside {
                let Some(after) = self.take_head(bytes, expected)? else {
                    return Ok(responses);
                };
                bytes = &bytes[after..];
            }
            let count = self.rest.min(bytes.len());
            bytes = &bytes[count..];
            responses += u64::from(self.skip(count));
        }
        Ok(responses)
    }

    /// Returns how many of the bytes belong to the head, once it is complete.
    fn take_head(
        &mut self,
        bytes: &[u8],
        expected: &mut Expected,
    ) -> Result<Option<usize>, String> {
        let known = expected.head.len();
        let end = if self.head.is_empty()
            && known > 0
            && bytes.starts_with(&expected.head)
        {
            known
        } else {
            let before = self.head.len();
            self.head.extend_from_slice(bytes);
            let from = before.saturating_sub(3);
            let found = self.head[from..].windows(4).position(|w| w == END);
            let Some(at) = found else {
                return if self.head.len() > 16 * 1024 {
                    Err("its head does not end".into())
                } else {
                    Ok(None)
                };
            };
            self.head.truncate(from + at + END.len());
            expected.check(&self.head)?;
            let end = self.head.len() - before;
            self.head.clear();
            end
        };
        self.rest = expected.length;
        self.inside = true;
        Ok(Some(end))
    }
}

/// Ends a head.
const END: &[u8] = b"\r\n\r\n";
