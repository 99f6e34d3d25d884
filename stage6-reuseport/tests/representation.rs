//! What a file looks like in HTTP: its type, its tag and its date, and what
//! conditions make of them while files and clocks change.

#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::time::{Duration, UNIX_EPOCH};

use stage::http::conditional::{Verdict, evaluate};
use stage::http::range::{Selection, select};
use stage::http::{FileState, Representation, Request, media_type};

fn with_request<T>(fields: &str, look: impl Fn(&Request) -> T) -> T {
    let head = format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    look(&Request::parse(head.as_bytes()).expect(fields))
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
fn media_types() {
    for (names, expected) in [
        ("a.js a.mjs a.cjs a.MJS", "text/javascript"),
        ("a.html a.htm a.b.HTML", "text/html"),
        ("a.css", "text/css"),
        ("a.txt a.log", "text/plain"),
        ("a.md a.markdown", "text/markdown"),
        ("a.csv", "text/csv"),
        ("a.vtt", "text/vtt"),
        ("a.ics", "text/calendar"),
        ("a.vcf", "text/vcard"),
        ("a.json a.js.map a.css.map", "application/json"),
        ("a.jsonld", "application/ld+json"),
        ("a.geojson", "application/geo+json"),
        ("a.webmanifest", "application/manifest+json"),
        ("a.xhtml", "application/xhtml+xml"),
        ("a.rss", "application/rss+xml"),
        ("a.atom", "application/atom+xml"),
        ("a.wasm", "application/wasm"),
        ("a.yaml a.yml", "application/yaml"),
        ("a.toml", "application/toml"),
        ("a.pdf", "application/pdf"),
        ("a.zip", "application/zip"),
        ("a.tar.gz", "application/gzip"),
        ("a.zst", "application/zstd"),
        ("a.epub", "application/epub+zip"),
        ("a.svg", "image/svg+xml"),
        ("a.png", "image/png"),
        ("a.apng", "image/apng"),
        ("a.jpg a.jpeg", "image/jpeg"),
        ("a.webp", "image/webp"),
        ("a.avif", "image/avif"),
        ("a.jxl", "image/jxl"),
        ("a.ico", "image/x-icon"),
        ("a.woff", "font/woff"),
        ("a.woff2", "font/woff2"),
        ("a.ttf", "font/ttf"),
        ("a.otf", "font/otf"),
        ("a.mp3", "audio/mpeg"),
        ("a.m4a", "audio/mp4"),
        ("a.ogg a.opus", "audio/ogg"),
        ("a.flac", "audio/flac"),
        ("a.mp4 a.m4v", "video/mp4"),
        ("a.webm", "video/webm"),
        ("a.m3u8", "application/vnd.apple.mpegurl"),
        ("a.mpd", "application/dash+xml"),
        ("a.ts", "video/mp2t"),
        ("a.gltf", "model/gltf+json"),
        ("a.glb", "model/gltf-binary"),
        ("a a. .mjs a.unknown a.m\u{e9}", "application/octet-stream"),
    ] {
        for name in names.split(' ') {
            assert_eq!(media_type::of(name.as_bytes()), expected, "{name}");
        }
    }
}

#[test]
fn a_tag_stands_for_one_state() {
    let tag = |state: &FileState| {
        Representation::new(state, NOW, "text/plain").etag().to_vec()
    };
    let FileState { modified: (second, _), .. } = STATE;
    let others = [
        FileState { device: 9, ..STATE },
        FileState { inode: 9, ..STATE },
        FileState { length: 9, ..STATE },
        FileState { modified: (second, 9), ..STATE },
        FileState { modified: (-1, 7), ..STATE },
        FileState { changed: (second, 9), ..STATE },
        FileState { changed: (second + 1, 7), ..STATE },
    ];
    let mut tags = others.iter().chain([&STATE]).map(tag).collect::<Vec<_>>();
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), others.len() + 1);
    assert_eq!(tag(&STATE), tag(&STATE.clone()));
}

/// What a file is to requests that come some seconds after its last change.
#[test]
fn a_tag_is_weak_while_the_file_is_new() {
    for (now, strong) in
        [(0, false), (999, false), (1000, false), (1001, false), (1002, true)]
    {
        let file = Representation::new(&STATE, now, "text/plain");
        assert_eq!(file.strong_tag().is_some(), strong, "at {now}");
        assert_eq!(file.date_is_strong(), strong, "at {now}");
        let tag = String::from_utf8_lossy(file.etag()).into_owned();
        assert_eq!(tag.starts_with("W/\""), !strong, "{tag} at {now}");
        // The mark may go, the tag stays: the client's copy is still good.
        assert_eq!(file.opaque_tag(), self::file().opaque_tag());
        let range = format!("Range: bytes=0-9\r\nIf-Range: {tag}\r\n");
        let selection = with_request(&range, |r| select(r, &file, now));
        assert_eq!(selection == Selection::Whole, !strong, "{tag} at {now}");
        let fields = format!("If-Match: {tag}\r\n");
        let verdict = with_request(&fields, |r| evaluate(r, &file, now));
        assert_eq!(verdict == Verdict::Failed, !strong, "{tag} at {now}");
    }
}

/// Whatever the clock does, the date that was sent is the one that conditions
/// are held against; where none can be sent, none is compared.
#[test]
fn dates_agree_with_their_conditions() {
    for (modified, changed) in [
        (1000, 1000), // as written
        (1, 1000),    // cp -p
        (9000, 1000), // unpacked from an archive of the future
        (9000, 5000), // the same, and then the clock was set back
        (-5, 1000),   // before 1970
    ] {
        let state = FileState {
            modified: (modified, 0),
            changed: (changed, 0),
            ..STATE
        };
        // Known since second 2000, as a cache may know it.
        let file = Representation::new(&state, NOW, "text/plain");
        let mut sent = Vec::new();
        for now in [500, 2000, 2001, 6000, 20_000, 2000, 500] {
            let text = String::from_utf8_lossy(file.fields(now)).into_owned();
            let mut lines = text.split("\r\n");
            let date = lines.find_map(|l| l.strip_prefix("Last-Modified: "));
            if let Some(date) = date {
                let then = httpdate::parse_http_date(date).unwrap();
                let limit = UNIX_EPOCH + Duration::from_secs(now);
                assert!(then <= limit, "{date} is later than {now}");
                assert_eq!(Some(then), file.modified(now));
                sent.push(date.to_owned());
            }
            let known = i64::try_from(now).unwrap() >= changed;
            assert!(date.is_some() || !known, "{state:?} at {now}");
            assert!(text.contains("ETag: "), "{text}");
            for date in &sent {
                let verdict = |name: &str| {
                    let fields = format!("{name}: {date}\r\n");
                    with_request(&fields, |r| evaluate(r, &file, now))
                };
                let unmodified = verdict("If-Unmodified-Since");
                assert_eq!(unmodified, Verdict::Proceed, "{state:?} at {now}");
                if file.modified(now).is_some() {
                    let modified = verdict("If-Modified-Since");
                    assert_eq!(modified, Verdict::NotModified, "{state:?}");
                }
            }
        }
        assert!(!sent.is_empty(), "{state:?} never had a date");
        sent.dedup();
        assert_eq!(sent.len(), 1, "{sent:?}");
    }
}

#[test]
fn a_date_set_by_hand_lets_no_range_through() {
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(1000));
    let fields = format!("Range: bytes=0-9\r\nIf-Range: {date}\r\n");
    for (changed, expected) in
        [((1000, 9), Selection::Part(0..10)), ((1001, 0), Selection::Whole)]
    {
        let state = FileState { changed, ..STATE };
        let file = Representation::new(&state, NOW, "text/plain");
        let got = with_request(&fields, |r| select(r, &file, NOW));
        assert_eq!(got, expected, "changed at {changed:?}");
    }
}
