//! The time of day as text, formatted once a second.

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use httpdate::HttpDate;

/// The current second in two formats: the Date field's (RFC 9110, section
/// 5.6.7) and the Common Log Format's.
///
/// Formatting a date costs more than parsing a small request, so we do it only
/// when the second has changed. Reading the clock is cheap: the vDSO does not
/// enter the kernel.
#[derive(Default)]
pub struct Clock {
    second: Option<u64>,
    http: String,
    log: String,
}

impl Clock {
    /// Reads the clock, and formats the texts again if the second has changed.
    pub fn refresh(&mut self) {
        let now = SystemTime::now();
        let second = now.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        if self.second == Some(second) {
            return;
        }
        self.second = Some(second);
        self.http.clear();
        // Writing into a String cannot fail.
        let _ = write!(self.http, "{}", HttpDate::from(now));
        // "Sun, 06 Nov 1994 08:49:37 GMT" has every part at a fixed place.
        let part = |from, to| self.http.get(from..to).unwrap_or_default();
        self.log.clear();
        let _ = write!(
            self.log,
            "{}/{}/{}:{} +0000",
            part(5, 7),
            part(8, 11),
            part(12, 16),
            part(17, 25)
        );
    }

    /// The value of a Date field.
    #[must_use]
    pub fn http(&self) -> &str {
        &self.http
    }

    /// The time in an access log line.
    #[must_use]
    pub fn log(&self) -> &str {
        &self.log
    }

    /// Seconds since 1970 at the last [`refresh`](Self::refresh).
    #[must_use]
    pub fn second(&self) -> u64 {
        self.second.unwrap_or(0)
    }
}
