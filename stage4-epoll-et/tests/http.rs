//! The grammars, table by table. What a row shows on the wire is the
//! business of the shared conversations.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]
#![allow(clippy::indexing_slicing)]

use std::time::{Duration, UNIX_EPOCH};

use percent_encoding::percent_decode;
use proptest::prelude::*;
use stage::http::body::Framing;
use stage::http::chunk_extension::are_valid;
use stage::http::conditional::{Verdict, evaluate};
use stage::http::range::{Selection, select};
use stage::http::target::{Target, is_authority, parse};
use stage::http::{FileState, Method, Representation, Request, Status};
use stage::http::{Version, location};

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
        ("/a?100%", "/a"),
        ("/a?\\..\\%zz#\"<>[]^`{|}", "/a"),
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
        "/a#b?c",
        "/a?\x7f",
        "/a?\u{e9}",
        "/a?\t",
        "/a b",
        "/\u{e9}",
        "/\x7f",
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

/// Whether `text` is a path and perhaps a query that RFC 3986 allows.
fn is_uri_reference(text: &[u8]) -> bool {
    let path_byte = |b: u8| {
        b.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@%".contains(&b)
    };
    text.starts_with(b"/")
        && !text.starts_with(b"//")
        && text.iter().enumerate().all(|(at, &byte)| match byte {
            b'%' => text
                .get(at + 1..at + 3)
                .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)),
            _ => byte == b'?' || path_byte(byte),
        })
}

/// Checks the redirect of what is accepted as a target: it is a valid URI
/// reference, and decodes to what the target decodes to.
fn check_location(target: &[u8]) {
    let Ok(parsed) = parse(Method::Get, target) else { return };
    let Target::Path { path, query, .. } = &parsed else {
        panic!("{parsed:?}");
    };
    let to = location::of_directory(&parsed);
    let shown = String::from_utf8_lossy(&to);
    assert!(is_uri_reference(&to), "{parsed:?} leads to {shown}");
    let end = to.iter().position(|&b| b == b'?').unwrap_or(to.len());
    let name = path.iter().skip_while(|&&byte| byte == b'/').copied();
    let mut directory = [b'/'].into_iter().chain(name).collect::<Vec<_>>();
    if !directory.ends_with(b"/") {
        directory.push(b'/');
    }
    let decoded = |text| percent_decode(text).collect::<Vec<u8>>();
    assert_eq!(decoded(&to[..end]), directory, "{shown}");
    assert_eq!(decoded(&to[end..]), decoded(query), "{shown}");
}

#[test]
fn locations_are_uri_references() {
    for byte in 0..=u8::MAX {
        check_location(&[b"/a", &[byte][..], b"b"].concat());
        check_location(&[b"/", &[byte][..], b"/b?c"].concat());
        check_location(&[b"/a?", &[byte][..], b"b%20"].concat());
        check_location(&[b"//a?%", &[byte][..], b"0"].concat());
        let accepted = |target: &[u8]| parse(Method::Get, target).is_ok();
        let (path, query) = ([b'/', byte], [b'/', b'?', byte]);
        let visible = byte.is_ascii_graphic();
        assert_eq!(accepted(&query), visible, "{byte:#x} in a query");
        let in_path = visible && !b"%#\\".contains(&byte);
        assert_eq!(accepted(&path), in_path, "{byte:#x} in a path");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_target_leads_to_a_uri_reference(
        path in "/[!-~]{0,8}(%[0-9a-fA-F]{2}[/a.]){0,3}",
        query in "(\\?[!-~]{0,8}(%[0-9a-fA-F]?[!-~]){0,3})?",
    ) {
        check_location(format!("{path}{query}").as_bytes());
    }
}

#[test]
fn versions() {
    for (version, expected) in [
        ("HTTP/1.0", Ok(Version::Http10)),
        ("HTTP/1.1", Ok(Version::Http11)),
        ("HTTP/1.2", Ok(Version::Http11)),
        ("HTTP/1.9", Ok(Version::Http11)),
        ("HTTP/0.9", Err(Status::VERSION_NOT_SUPPORTED)),
        ("HTTP/2.0", Err(Status::VERSION_NOT_SUPPORTED)),
        ("HTTP/3.1", Err(Status::VERSION_NOT_SUPPORTED)),
        ("HTTP/1.10", Err(Status::BAD_REQUEST)),
        ("HTTP/1.", Err(Status::BAD_REQUEST)),
        ("HTTP/2", Err(Status::BAD_REQUEST)),
        ("HTTP/1.a", Err(Status::BAD_REQUEST)),
        ("http/1.1", Err(Status::BAD_REQUEST)),
        ("HTTP/1.1 ", Err(Status::BAD_REQUEST)),
        ("HTTP/1.1\r", Err(Status::BAD_REQUEST)),
        ("", Err(Status::BAD_REQUEST)),
    ] {
        let head = format!("GET / {version}\r\nHost: a\r\n\r\n");
        let got = Request::parse(head.as_bytes()).map(|r| r.version);
        assert_eq!(got, expected, "{version}");
    }
}

#[test]
fn chunk_extensions() {
    for text in [
        "",
        ";a",
        ";a=b",
        ";a;b=c",
        " ; a = b",
        "\t;\ta\t=\tb ;c",
        ";a=\"\"",
        ";a=\";\\\"\\\\ \t\u{e9}\\\u{e9}\"",
        ";!#$%&'*+-.^_`|~=~",
    ] {
        assert!(are_valid(text.as_bytes()), "{text}");
    }
    for text in [
        " ",
        "a",
        ";",
        "; ",
        ";;a",
        ";a;",
        ";a ",
        ";a b",
        ";a=",
        ";a= ",
        ";=b",
        ";a@b",
        ";a==b",
        ";a=b=c",
        ";a=b c",
        ";a=\"",
        ";a=\"b",
        ";a=\"b\\\"",
        ";a=\"b\\",
        ";a=b\"",
        ";a=\"b\"c",
        ";a=\"\0\"",
        ";a=\"\\\0\"",
        ";a=\"\x7f\"",
        ";\"a\"",
        ";\u{e9}",
        "=b",
        ",a",
    ] {
        assert!(!are_valid(text.as_bytes()), "{text}");
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

/// Written at second 1000, and not touched since.
const STATE: FileState = FileState {
    device: 1,
    inode: 2,
    length: 100,
    modified: (1000, 7),
    changed: (1000, 7),
};

/// When the requests come.
const NOW: u64 = 2000;

fn file() -> Representation {
    Representation::new(&STATE, NOW, "text/plain")
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
        let got = with_request(&fields, |r| select(r, &file(), NOW));
        assert_eq!(got, expected, "{fields}");
    }
    let state = FileState { length: 0, ..STATE };
    let empty = Representation::new(&state, NOW, "text/plain");
    for (fields, expected) in [
        ("Range: bytes=0-\r\n", Selection::Unsatisfiable),
        ("Range: bytes=-5\r\n", Selection::Whole),
    ] {
        assert_eq!(with_request(fields, |r| select(r, &empty, NOW)), expected);
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
        let got = with_request(&fields, |r| evaluate(r, &file(), NOW));
        assert_eq!(got, expected, "{fields}");
    }
}
