//! Request methods (RFC 9110, section 9).

/// What the client wants done. Only the first four are done here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Method {
    Get,
    Head,
    Post,
    Options,
    Connect,
    /// Registered with IANA, and allowed on nothing here.
    Registered,
    Unknown,
}

/// The rest of the IANA method registry (RFC 9110, section 16.1.1). A client
/// that uses one of these deserves 405; a word that nobody registered, 501.
const REGISTERED: &str = "ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT COPY \
    DELETE LABEL LINK LOCK MERGE MKACTIVITY MKCALENDAR MKCOL MKREDIRECTREF \
    MKWORKSPACE MOVE ORDERPATCH PATCH PRI PROPFIND PROPPATCH PUT QUERY REBIND \
    REPORT SEARCH TRACE UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE \
    UPDATEREDIRECTREF VERSION-CONTROL";

impl Method {
    /// The method of this name; names are case-sensitive.
    #[must_use]
    pub fn named(name: &str) -> Self {
        match name {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "POST" => Self::Post,
            "OPTIONS" => Self::Options,
            "CONNECT" => Self::Connect,
            _ if REGISTERED.split(' ').any(|m| m == name) => Self::Registered,
            _ => Self::Unknown,
        }
    }
}
