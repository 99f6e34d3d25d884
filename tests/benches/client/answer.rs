//! Reads answers out of a stream of bytes, and accepts only the right one.

/// What every answer must be; it learns the head so as to compare, and not
/// parse, the next.
#[derive(Debug)]
pub struct Expected {
    /// The content's length, in bytes.
    length: usize,
    /// The last right head. It changes when `Date` does.
    head: Vec<u8>,
}

impl Expected {
    /// A 200 with so many bytes of content.
    #[must_use]
    pub fn new(length: usize) -> Self {
        Self { length, head: Vec::new() }
    }

    /// # Errors
    /// Says in what the head is wrong.
    fn check(&mut self, head: &[u8]) -> Result<(), String> {
        if head == self.head {
            return Ok(());
        }
        let text = String::from_utf8_lossy(head);
        let mut lines = text.split("\r\n");
        let status = lines.next().unwrap_or("");
        if !status.starts_with("HTTP/1.1 200 ") {
            return Err(format!("it answered `{status}`"));
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

/// How far one connection's stream has been read.
#[derive(Debug, Default)]
pub struct Reader {
    /// The beginning of a head that has not come whole.
    head: Vec<u8>,
    /// How much of the content is still to come.
    rest: usize,
    /// Whether an answer has begun and not ended.
    inside: bool,
}

impl Reader {
    /// How much content may come before the next head.
    #[must_use]
    pub fn rest(&self) -> usize {
        self.rest
    }

    /// Content that went by without being copied. Returns whether that was
    /// the end of the answer.
    pub fn skip(&mut self, count: usize) -> bool {
        self.rest = self.rest.saturating_sub(count);
        let ended = self.inside && self.rest == 0;
        self.inside &= !ended;
        ended
    }

    /// Takes what came; returns how many answers it has completed.
    ///
    /// # Errors
    /// Says in what an answer is wrong.
    pub fn take(
        &mut self,
        mut bytes: &[u8],
        expected: &mut Expected,
    ) -> Result<u64, String> {
        let mut answers = 0;
        while !bytes.is_empty() {
            if !self.inside {
                let Some(after) = self.take_head(bytes, expected)? else {
                    return Ok(answers);
                };
                bytes = &bytes[after..];
            }
            let count = self.rest.min(bytes.len());
            bytes = &bytes[count..];
            answers += u64::from(self.skip(count));
        }
        Ok(answers)
    }

    /// Returns how many of the bytes were the head's, once it is whole.
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
