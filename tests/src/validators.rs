//! Validators of files that change: a tag or date must identify exactly the
//! bytes that were sent with it.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::fixtures;
use crate::number::Number;
use crate::process;
use crate::stage::{Case, Outcome, PASSED, Stage};
use crate::wire::{Client, Response};

/// Larger than the bodies that the servers send in one write with their head.
const LARGE: usize = 40_000;

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    let case = |name, promise, run| Case {
        name,
        promise,
        from: Number::stage(1),
        until: Number::EVER,
        any_server: false,
        run,
    };
    vec![
        case(
            "validators::replaced",
            "A file is replaced by one of the same length and modification \
             time (cp -p,\nrsync -t). Its tag changes, and no range of it is \
             sent for the old tag or\nthe date.",
            replaced,
        ),
        case(
            "validators::overwritten",
            "A large file is overwritten in place and gets its old \
             modification time\nback. Its tag changes at once.",
            overwritten,
        ),
        case(
            "validators::new",
            "The tag of a file that has just changed is weak: the file could \
             change again\nwithin the same clock tick. A few seconds later the \
             tag is strong.",
            new,
        ),
        case(
            "validators::two_names",
            "Two files with the same contents, length and times have different \
             tags.",
            two_names,
        ),
    ]
}

/// A directory in the site, removed when dropped.
struct Folder {
    path: PathBuf,
    name: &'static str,
}

impl Folder {
    fn new(name: &'static str) -> Result<Self, String> {
        let path = fixtures::site().root().join(name);
        fs::create_dir_all(&path).map_err(|e| e.to_string())?;
        Ok(Self { path, name })
    }

    /// Writes `length` bytes in place and sets a constant modification time.
    fn write(&self, file: &str, byte: u8, length: usize) -> Outcome {
        let path = self.path.join(file);
        fs::write(&path, vec![byte; length])?;
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        File::options().write(true).open(&path)?.set_modified(time)?;
        Ok(PASSED)
    }

    fn get(
        &self,
        client: &mut Client,
        file: &str,
        fields: &str,
    ) -> Result<Response, String> {
        let folder = self.name;
        let request = format!(
            "GET /{folder}/{file} HTTP/1.1\r\nHost: validators\r\n{fields}\r\n"
        );
        client.ask(request.as_bytes())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn value(response: &Response, name: &str) -> Result<String, String> {
    let value = response.field(name);
    value
        .map(str::to_owned)
        .ok_or_else(|| format!("the response has no {name}"))
}

fn expect_status(what: &str, got: u16, expected: u16) -> Result<(), String> {
    if got == expected {
        return Ok(());
    }
    Err(format!("{what}: expected {expected}, got {got}"))
}

/// Waits until the tag of `file` is strong.
fn until_strong(
    folder: &Folder,
    client: &mut Client,
    file: &str,
    stage: &Stage,
) -> Result<Response, String> {
    let mut last = folder.get(client, file, "")?;
    process::until("the tag to be strong", stage.ceiling, || {
        if let Ok(response) = folder.get(client, file, "") {
            last = response;
        }
        last.field("ETag").is_some_and(|tag| tag.starts_with('"'))
    })?;
    Ok(last)
}

/// No condition with an old validator may hold for the current file.
fn check_stale(
    folder: &Folder,
    client: &mut Client,
    old: &Response,
) -> Result<(), String> {
    let (tag, date) = (value(old, "ETag")?, value(old, "Last-Modified")?);
    for (fields, expected) in [
        (format!("If-None-Match: {tag}\r\n"), 200),
        (format!("If-Match: {tag}\r\n"), 412),
        (format!("Range: bytes=10-19\r\nIf-Range: {tag}\r\n"), 200),
        (format!("Range: bytes=10-19\r\nIf-Range: {date}\r\n"), 200),
        (format!("Range: bytes=10-19\r\nIf-Match: {tag}\r\n"), 412),
    ] {
        let response = folder.get(client, "file", &fields)?;
        expect_status(fields.trim_end(), response.status, expected)?;
    }
    Ok(())
}

fn replaced(stage: &Stage) -> Outcome {
    let folder = Folder::new("validators-replaced")?;
    let server = stage.start(&["--quiet"])?;
    let mut client = server.connect()?;
    for length in [100, LARGE] {
        folder.write("file", b'A', length)?;
        let old = until_strong(&folder, &mut client, "file", stage)?;
        folder.write("new", b'B', length)?;
        fs::rename(folder.path.join("new"), folder.path.join("file"))?;
        process::until("the new file", stage.ceiling, || {
            let response = folder.get(&mut client, "file", "");
            response.is_ok_and(|response| response.body.starts_with(b"B"))
        })?;
        check_stale(&folder, &mut client, &old)?;
    }
    Ok(PASSED)
}

fn overwritten(stage: &Stage) -> Outcome {
    let folder = Folder::new("validators-overwritten")?;
    let server = stage.start(&["--quiet"])?;
    let mut client = server.connect()?;
    folder.write("file", b'A', LARGE)?;
    let old = until_strong(&folder, &mut client, "file", stage)?;
    folder.write("file", b'B', LARGE)?;
    check_stale(&folder, &mut client, &old)?;
    Ok(PASSED)
}

fn new(stage: &Stage) -> Outcome {
    let folder = Folder::new("validators-new")?;
    let server = stage.start(&["--quiet"])?;
    let mut client = server.connect()?;
    // On a slow machine the tag may already be strong when we look: write
    // again.
    let mut tag = String::new();
    process::until("a weak tag", stage.ceiling, || {
        let written = fs::write(folder.path.join("file"), "0123456789");
        let response = folder.get(&mut client, "file", "");
        tag = response.and_then(|a| value(&a, "ETag")).unwrap_or_default();
        written.is_ok() && tag.starts_with("W/\"")
    })?;
    let range = format!("Range: bytes=5-\r\nIf-Range: {tag}\r\n");
    expect_status(
        &range,
        folder.get(&mut client, "file", &range)?.status,
        200,
    )?;
    let cached = format!("If-None-Match: {tag}\r\n");
    expect_status(
        &cached,
        folder.get(&mut client, "file", &cached)?.status,
        304,
    )?;

    let old = until_strong(&folder, &mut client, "file", stage)?;
    let (tag, date) = (value(&old, "ETag")?, value(&old, "Last-Modified")?);
    for (fields, expected) in [
        (format!("Range: bytes=5-\r\nIf-Range: {tag}\r\n"), 206),
        (format!("Range: bytes=5-\r\nIf-Range: W/{tag}\r\n"), 200),
        // The date is strong: it was not set by hand, and its second has
        // passed.
        (format!("Range: bytes=5-\r\nIf-Range: {date}\r\n"), 206),
        (format!("If-Match: {tag}\r\n"), 200),
        (format!("If-Match: W/{tag}\r\n"), 412),
        (format!("If-None-Match: W/{tag}\r\n"), 304),
        (format!("If-Unmodified-Since: {date}\r\n"), 200),
        (format!("If-Modified-Since: {date}\r\n"), 304),
    ] {
        let response = folder.get(&mut client, "file", &fields)?;
        expect_status(fields.trim_end(), response.status, expected)?;
    }
    Ok(PASSED)
}

fn two_names(stage: &Stage) -> Outcome {
    let folder = Folder::new("validators-two-names")?;
    let server = stage.start(&["--quiet"])?;
    let mut client = server.connect()?;
    let mut tags = Vec::new();
    for name in ["file", "other"] {
        folder.write(name, b'A', 100)?;
        let response = folder.get(&mut client, name, "")?;
        tags.push(value(&response, "ETag")?);
    }
    if tags[0].trim_start_matches("W/") == tags[1].trim_start_matches("W/") {
        return Err(format!("both files have the tag {}", tags[0]).into());
    }
    Ok(PASSED)
}
