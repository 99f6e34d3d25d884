//! Status codes with their reason phrases.

/// A status code and its reason phrase (RFC 9110, section 15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(&'static str);

#[allow(missing_docs)] // The names are the documentation.
impl Status {
    pub const OK: Self = Self("200 OK");
    pub const NO_CONTENT: Self = Self("204 No Content");
    pub const PARTIAL_CONTENT: Self = Self("206 Partial Content");
    pub const MOVED_PERMANENTLY: Self = Self("301 Moved Permanently");
    pub const NOT_MODIFIED: Self = Self("304 Not Modified");
    pub const BAD_REQUEST: Self = Self("400 Bad Request");
    pub const FORBIDDEN: Self = Self("403 Forbidden");
    pub const NOT_FOUND: Self = Self("404 Not Found");
    pub const METHOD_NOT_ALLOWED: Self = Self("405 Method Not Allowed");
    pub const REQUEST_TIMEOUT: Self = Self("408 Request Timeout");
    pub const PRECONDITION_FAILED: Self = Self("412 Precondition Failed");
    pub const CONTENT_TOO_LARGE: Self = Self("413 Content Too Large");
    pub const URI_TOO_LONG: Self = Self("414 URI Too Long");
    pub const RANGE_NOT_SATISFIABLE: Self = Self("416 Range Not Satisfiable");
    pub const EXPECTATION_FAILED: Self = Self("417 Expectation Failed");
    pub const FIELDS_TOO_LARGE: Self =
        Self("431 Request Header Fields Too Large");
    pub const INTERNAL_ERROR: Self = Self("500 Internal Server Error");
    pub const NOT_IMPLEMENTED: Self = Self("501 Not Implemented");
    pub const UNAVAILABLE: Self = Self("503 Service Unavailable");
    pub const VERSION_NOT_SUPPORTED: Self =
        Self("505 HTTP Version Not Supported");
}

impl Status {
    /// Code and reason phrase, as the status line has them.
    #[must_use]
    pub fn text(self) -> &'static str {
        self.0
    }

    /// The three digits.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.get(..3).unwrap_or_default()
    }
}
