//! Validators of files that change: what a tag or a date promises holds for
//! the very bytes that were sent with it.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::fixtures;
use crate::number::Number;
use crate::process;
use crate::stage::{Case, Outcome, PASSED, Stage};
use crate::wire::{Answer, Client};

/// Longer than what shares a write with its head, and so is never in memory.
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
            "A file that was replaced by one of the same length and \
             modification time (cp\n\
             -p, rsync -t) has another tag, and no range of it is sent for \
             the old tag or\n\
             date.",
            replaced,
        ),
        case(
            "validators::overwritten",
            "A large file that was overwritten in place, keeping its \
             modification time,\n\
             has another tag from that moment on.",
            overwritten,
        ),
        case(
            "validators::new",
            "The tag of a file that was just changed is weak, because the \
             file could\n\
             change again within the same tick of the clock. A few seconds \
             later it is\n\
             strong.",
            new,
        ),
        case(
            "validators::two_names",
            "Two files of the same content, length and times have two tags.",
            two_names,
        ),
    ]
}

/// A folder in the site, removed when dropped.
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

    /// Writes `length` bytes, in place, and sets the time to the same as ever.
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
    ) -> Result<Answer, String> {
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

fn value(answer: &Answer, name: &str) -> Result<String, String> {
    let value = answer.field(name);
    value.map(str::to_owned).ok_or_else(|| format!("no {name} in the answer"))
}

fn expect(what: &str, got: u16, due: u16) -> Result<(), String> {
    if got == due {
        return Ok(());
    }
    Err(format!("{what}: the answer was {got}, {due} was due"))
}

/// Waits until the tag of `file` is a strong one.
fn until_strong(
    folder: &Folder,
    client: &mut Client,
    file: &str,
    stage: &Stage,
) -> Result<Answer, String> {
    let mut last = folder.get(client, file, "")?;
    process::until("the tag to be strong", stage.ceiling, || {
        if let Ok(answer) = folder.get(client, file, "") {
            last = answer;
        }
        last.field("ETag").is_some_and(|tag| tag.starts_with('"'))
    })?;
    Ok(last)
}

/// No condition with an old validator may hold for the content of today.
fn check_stale(
    folder: &Folder,
    client: &mut Client,
    old: &Answer,
) -> Result<(), String> {
    let (tag, date) = (value(old, "ETag")?, value(old, "Last-Modified")?);
    for (fields, due) in [
        (format!("If-None-Match: {tag}\r\n"), 200),
        (format!("If-Match: {tag}\r\n"), 412),
        (format!("Range: bytes=10-19\r\nIf-Range: {tag}\r\n"), 200),
        (format!("Range: bytes=10-19\r\nIf-Range: {date}\r\n"), 200),
        (format!("Range: bytes=10-19\r\nIf-Match: {tag}\r\n"), 412),
    ] {
        let answer = folder.get(client, "file", &fields)?;
        expect(fields.trim_end(), answer.status, due)?;
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
            let answer = folder.get(&mut client, "file", "");
            answer.is_ok_and(|answer| answer.body.starts_with(b"B"))
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
    // Written a while after a slow machine has begun, it is not new: again.
    let mut tag = String::new();
    process::until("a weak tag", stage.ceiling, || {
        let written = fs::write(folder.path.join("file"), "0123456789");
        let answer = folder.get(&mut client, "file", "");
        tag = answer.and_then(|a| value(&a, "ETag")).unwrap_or_default();
        written.is_ok() && tag.starts_with("W/\"")
    })?;
    let range = format!("Range: bytes=5-\r\nIf-Range: {tag}\r\n");
    expect(&range, folder.get(&mut client, "file", &range)?.status, 200)?;
    let cached = format!("If-None-Match: {tag}\r\n");
    expect(&cached, folder.get(&mut client, "file", &cached)?.status, 304)?;

    let old = until_strong(&folder, &mut client, "file", stage)?;
    let (tag, date) = (value(&old, "ETag")?, value(&old, "Last-Modified")?);
    for (fields, due) in [
        (format!("Range: bytes=5-\r\nIf-Range: {tag}\r\n"), 206),
        (format!("Range: bytes=5-\r\nIf-Range: W/{tag}\r\n"), 200),
        // Nobody has set it by hand, and its second is over.
        (format!("Range: bytes=5-\r\nIf-Range: {date}\r\n"), 206),
        (format!("If-Match: {tag}\r\n"), 200),
        (format!("If-Match: W/{tag}\r\n"), 412),
        (format!("If-None-Match: W/{tag}\r\n"), 304),
        (format!("If-Unmodified-Since: {date}\r\n"), 200),
        (format!("If-Modified-Since: {date}\r\n"), 304),
    ] {
        let answer = folder.get(&mut client, "file", &fields)?;
        expect(fields.trim_end(), answer.status, due)?;
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
        let answer = folder.get(&mut client, name, "")?;
        tags.push(value(&answer, "ETag")?);
    }
    if tags[0].trim_start_matches("W/") == tags[1].trim_start_matches("W/") {
        return Err(format!("both have {}", tags[0]).into());
    }
    Ok(PASSED)
}
