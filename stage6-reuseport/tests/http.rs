//! The grammars, table by table. What a row shows on the wire is the
//! business of the shared conversations.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::time::{Duration, UNIX_EPOCH};

use stage::http::body::Framing;
use stage::http::conditional::{Verdict, evaluate};
use stage::http::range::{Selection, select};
use stage::http::target::{Target, is_authority, parse};
use stage::http::{Method, Representation, Request, Status};

fn path(target: &str) -> Result<String, Status> {
    match parse(Method::Get, target.as_bytes())? {
        Target::Path { path, .. } => {
            Ok(String::from_utf8_lossy(&path).into_owned())
        }
        other => panic!("{target} is {other:?}"),
    }
}

#[test]
fn targets_are_decoded_once() {
    for (target, decoded) in [
        ("/", "/"),
        ("/a%20b", "/a b"),
        ("/a%2520b", "/a%20b"),
        ("/a?b=%2f%00", "/a"),
        ("/..a/b..", "/..a/b.."),
        ("http://example.com/a?b", "/a"),
        ("HTTPS://[::1]:8080", "/"),
        ("http://example.com?a", "/"),
        ("//host/a", "//host/a"),
    ] {
        assert_eq!(path(target).as_deref(), Ok(decoded), "{target}");
    }
}

#[test]
fn doubtful_targets_are_refused() {
    for target in [
        "",
        "a",
        "*",
        "/a%",
        "/a%2",
        "/a%zz",
        "/a%00",
        "/a%2fb",
        "/a%2Fb",
        "/a%5Cb",
        "/a\\b",
        "/..",
        "/a/..",
        "/a/../b",
        "/%2e%2E/a",
        "/a/%2e.",
        "/a#b",
        "/a b",
        "/\u{e9}",
        "/\x7f",
        "/a?%",
        "ftp://a/",
        "http:/a",
        "http:///a",
        "http://u@a/",
        "http://a:b/",
        "a:80",
    ] {
        assert_eq!(path(target), Err(Status::BAD_REQUEST), "{target}");
    }
    let long = format!("/{}", "a".repeat(8192));
    assert_eq!(path(&long), Err(Status::URI_TOO_LONG));
    assert!(path(&long[..8192]).is_ok());
}

#[test]
fn hosts() {
    for host in ["a", "a:", "a:80", "1.2.3.4", "[::1]:65535", "a_b", "%41"] {
        assert!(is_authority(host.as_bytes()), "{host}");
    }
    for host in [
        "", ":80", "a:65536", "a:-1", "a:8o", "[::1", "[::1]a", "[a]", "u@a",
        "a b", "a/b", "a,b:1:2", "%4", "\u{e9}",
    ] {
        assert!(!is_authority(host.as_bytes()), "{host}");
    }
}

fn with_request<T>(fields: &str, look: impl Fn(&Request) -> T) -> T {
    let head = format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    look(&Request::parse(head.as_bytes()).expect(fields))
}

fn status(fields: &str) -> Option<Status> {
    let head = format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    Request::parse(head.as_bytes()).err()
}

#[test]
fn only_one_framing_is_believed() {
    for (fields, framing) in [
        ("", Framing::None),
        ("Content-Length: 0\r\n", Framing::None),
        ("Content-Length: 007\r\n", Framing::Length(7)),
        ("Transfer-Encoding: ChunKed\r\n", Framing::Chunked),
        ("Transfer-Encoding: , chunked ,\r\n", Framing::Chunked),
    ] {
        assert_eq!(with_request(fields, |r| r.framing), framing, "{fields}");
    }
    for value in ["", "+1", "-1", "1 1", "1,1", "0x1", "1e3", "\u{b2}"] {
        let fields = format!("Content-Length: {value}\r\n");
        assert_eq!(status(&fields), Some(Status::BAD_REQUEST), "{fields}");
    }
    for (fields, expected) in [
        ("Content-Length: 1\r\nContent-Length: 1\r\n", "400"),
        ("Content-Length: 18446744073709551616\r\n", "400"),
        ("Content-Length: 1048577\r\n", "413"),
        ("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "400"),
        ("Transfer-Encoding: chunked, chunked\r\n", "400"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "400"),
        ("Transfer-Encoding: chunked;a=b\r\n", "400"),
        ("Transfer-Encoding:\r\n", "400"),
        ("Transfer-Encoding: \"chunked\"\r\n", "400"),
        ("Transfer-Encoding: xchunked\r\n", "400"),
        ("Transfer-Encoding: identity\r\n", "400"),
        ("Transfer-Encoding: chunked, gzip\r\n", "400"),
        ("Transfer-Encoding: gzip, chunked\r\n", "501"),
        ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", "501"),
        ("Transfer-Encoding : chunked\r\n", "400"),
    ] {
        assert_eq!(
            status(fields).map(Status::code),
            Some(expected),
            "{fields}"
        );
    }
}

/// 100 bytes, changed at second 1000.
fn file() -> Representation {
    Representation::new(100, 1000, 7, "text/plain")
}

#[test]
fn ranges() {
    let etag = String::from_utf8(file().etag().to_vec()).unwrap();
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(1000));
    let part = |from, to| Selection::Part(from..to);
    let whole = || Selection::Whole;
    for (fields, expected) in [
        (String::new(), whole()),
        ("Range: bytes=0-9\r\n".into(), part(0, 10)),
        ("Range: BYTES=0-0\r\n".into(), part(0, 1)),
        ("Range: bytes=90-\r\n".into(), part(90, 100)),
        ("Range: bytes=90-1000\r\n".into(), part(90, 100)),
        ("Range: bytes=-10\r\n".into(), part(90, 100)),
        ("Range: bytes=-1000\r\n".into(), part(0, 100)),
        ("Range: bytes=0-99999999999999999999\r\n".into(), part(0, 100)),
        ("Range: bytes=-99999999999999999999\r\n".into(), part(0, 100)),
        ("Range: bytes=100-\r\n".into(), Selection::Unsatisfiable),
        (
            "Range: bytes=99999999999999999999-\r\n".into(),
            Selection::Unsatisfiable,
        ),
        ("Range: bytes=-0\r\n".into(), Selection::Unsatisfiable),
        ("Range: bytes=9-8\r\n".into(), whole()),
        ("Range: bytes=-\r\n".into(), whole()),
        ("Range: bytes=a-b\r\n".into(), whole()),
        ("Range: bytes=+1-2\r\n".into(), whole()),
        ("Range: bytes=0-1,3-4\r\n".into(), whole()),
        ("Range: lines=0-1\r\n".into(), whole()),
        ("Range: bytes=0-1\r\nRange: bytes=0-1\r\n".into(), whole()),
        (format!("Range: bytes=0-9\r\nIf-Range: {etag}\r\n"), part(0, 10)),
        (format!("Range: bytes=0-9\r\nIf-Range: W/{etag}\r\n"), whole()),
        (format!("Range: bytes=0-9\r\nIf-Range: {date}\r\n"), part(0, 10)),
        ("Range: bytes=0-9\r\nIf-Range: \"x\"\r\n".into(), whole()),
    ] {
        let got = with_request(&fields, |r| select(r, &file()));
        assert_eq!(got, expected, "{fields}");
    }
    let empty = Representation::new(0, 0, 0, "text/plain");
    for (fields, expected) in [
        ("Range: bytes=0-\r\n", Selection::Unsatisfiable),
        ("Range: bytes=-5\r\n", Selection::Whole),
    ] {
        assert_eq!(with_request(fields, |r| select(r, &empty)), expected);
    }
}

#[test]
fn preconditions() {
    let tag = String::from_utf8(file().etag().to_vec()).unwrap();
    let at = |seconds| {
        httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds))
    };
    let (before, now, after) = (at(999), at(1000), at(1001));
    for (fields, expected) in [
        (format!("If-Match: {tag}\r\n"), Verdict::Proceed),
        (format!("If-Match: \"a,b\", {tag}\r\n"), Verdict::Proceed),
        (format!("If-Match: \"a\"\r\nIf-Match: {tag}\r\n"), Verdict::Proceed),
        ("If-Match: *\r\n".into(), Verdict::Proceed),
        (format!("If-Match: W/{tag}\r\n"), Verdict::Failed),
        ("If-Match: \"a\"\r\n".into(), Verdict::Failed),
        ("If-Match: a\r\n".into(), Verdict::Failed),
        (
            format!("If-Match: {tag}\r\nIf-Unmodified-Since: {before}\r\n"),
            Verdict::Proceed,
        ),
        (format!("If-Unmodified-Since: {before}\r\n"), Verdict::Failed),
        (format!("If-Unmodified-Since: {now}\r\n"), Verdict::Proceed),
        ("If-Unmodified-Since: yesterday\r\n".into(), Verdict::Proceed),
        (format!("If-None-Match: W/{tag}\r\n"), Verdict::NotModified),
        (format!("If-None-Match: \"a\" , ,{tag}\r\n"), Verdict::NotModified),
        (format!("If-None-Match: \"a\"{tag}\r\n"), Verdict::Proceed),
        ("If-None-Match: *\r\n".into(), Verdict::NotModified),
        (
            format!("If-None-Match: \"a\"\r\nIf-Modified-Since: {now}\r\n"),
            Verdict::Proceed,
        ),
        (format!("If-Modified-Since: {now}\r\n"), Verdict::NotModified),
        (format!("If-Modified-Since: {after}\r\n"), Verdict::NotModified),
        (format!("If-Modified-Since: {before}\r\n"), Verdict::Proceed),
        (
            format!("If-Modified-Since: {now}\r\nIf-Modified-Since: {now}\r\n"),
            Verdict::Proceed,
        ),
    ] {
        let got = with_request(&fields, |r| evaluate(r, &file()));
        assert_eq!(got, expected, "{fields}");
    }
}
