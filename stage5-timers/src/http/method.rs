//! Request methods (RFC 9110, section 9).

/// What the client asks for. We implement the first four.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Method {
    Get,
    Head,
    Post,
    Options,
    Connect,
    /// Registered with IANA, but not allowed on any resource here.
    Registered,
    Unknown,
}

/// The rest of the IANA method registry (RFC 9110, section 16.1.1): these get
/// 405, and a method that nobody registered gets 501.
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
