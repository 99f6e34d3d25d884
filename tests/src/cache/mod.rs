//! The open-file cache of stage 6: what it serves after a file has changed, and
//! how many files it keeps open.

mod site;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use self::site::CacheSite;
use crate::number::Number;
use crate::process;
use crate::server::Server;
use crate::stage::{Case, Outcome, PASSED, Stage};

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    let case = |name, promise, run| Case {
        name,
        promise,
        from: Number::step(6, 3),
        until: Number::EVER,
        any_server: false,
        run,
    };
    vec![
        case(
            "cache::keeps_serving",
            "For --cache-valid seconds the server serves the cached file, even \
             if its\nname is replaced or removed.",
            keeps_serving,
        ),
        case(
            "cache::revalidates",
            "After --cache-valid the server notices that a file was replaced, \
             rewritten\nin place, removed or made unreadable.",
            revalidates,
        ),
        case(
            "cache::closes_idle_files",
            "A deleted file that nobody requests is closed after --cache-idle, \
             which\nfrees its disk space.",
            closes_idle_files,
        ),
        case(
            "cache::off",
            "With --cache-valid 0 the next request sees every change.",
            off,
        ),
        case(
            "cache::max_files",
            "A loop keeps at most --cache-files files open, and serves files \
             beyond that\ntoo.",
            max_files,
        ),
        case(
            "cache::max_bytes",
            "A file that doesn't fit into --cache-bytes is still served.",
            max_bytes,
        ),
    ]
}

/// One loop, so that all requests use the same cache.
fn start(stage: &Stage, flags: &[&str]) -> Result<Server, String> {
    let mut all = vec!["--quiet", "--threads", "1", "--max-requests", "0"];
    all.extend(flags);
    let server = stage.start(&all)?;
    process::until_asleep(server.pid(), stage.ceiling)?;
    Ok(server)
}

fn keeps_serving(stage: &Stage) -> Outcome {
    let site = CacheSite::new("cache-keeps-serving")?;
    site.write("a", "one")?;
    let server = start(stage, &["--cache-valid", "86400"])?;
    let mut client = server.connect()?;
    site.expect(&mut client, "a", "one")?;
    site.replace("a", "two")?;
    site.expect(&mut client, "a", "one")?;
    site.remove("a")?;
    site.expect(&mut client, "a", "one")?;
    // Missing files are not cached.
    site.expect(&mut client, "b", "404")?;
    site.write("b", "there")?;
    site.expect(&mut client, "b", "there")?;
    Ok(PASSED)
}

fn revalidates(stage: &Stage) -> Outcome {
    let site = CacheSite::new("cache-revalidates")?;
    site.write("a", "one")?;
    let server = start(stage, &["--cache-valid", "1"])?;
    site.until(&server, stage, "a", "one")?;
    site.replace("a", "two")?;
    site.until(&server, stage, "a", "two")?;
    // The same length as before: only its change time differs.
    site.write("a", "six")?;
    site.until(&server, stage, "a", "six")?;
    site.remove("a")?;
    site.until(&server, stage, "a", "404")?;
    site.write("a", "again")?;
    site.until(&server, stage, "a", "again")?;
    let no_permissions = fs::Permissions::from_mode(0o0);
    fs::set_permissions(site.path.join("a"), no_permissions)
        .map_err(|e| e.to_string())?;
    site.until(&server, stage, "a", "403")?;
    Ok(PASSED)
}

fn closes_idle_files(stage: &Stage) -> Outcome {
    let site = CacheSite::new("cache-closes-idle-files")?;
    let flags = ["--cache-valid", "86400", "--cache-idle", "1"];
    let server = start(stage, &flags)?;
    let mut client = server.connect()?;
    for name in ["a", "b"] {
        site.write(name, name)?;
        site.expect(&mut client, name, name)?;
        site.remove(name)?;
    }
    process::until("the files to be closed", stage.ceiling, || {
        let open = process::open_files(server.pid()).unwrap_or_default();
        !open.iter().any(|path| path.starts_with(&site.path))
    })?;
    // They are evicted, and not only closed.
    site.expect(&mut client, "a", "404")?;
    Ok(PASSED)
}

fn off(stage: &Stage) -> Outcome {
    let site = CacheSite::new("cache-off")?;
    let server = start(stage, &["--cache-valid", "0"])?;
    let mut client = server.connect()?;
    for content in ["one", "two", "six"] {
        site.write("a", content)?;
        site.expect(&mut client, "a", content)?;
    }
    site.remove("a")?;
    site.expect(&mut client, "a", "404")?;
    Ok(PASSED)
}

fn max_files(stage: &Stage) -> Outcome {
    let site = CacheSite::new("cache-max-files")?;
    let flags = ["--cache-valid", "86400", "--cache-files", "3"];
    let server = start(stage, &flags)?;
    let mut client = server.connect()?;
    site.expect(&mut client, "none", "404")?;
    let before = process::descriptors(server.pid())?;
    let names: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    for name in &names {
        site.write(name, name)?;
        site.expect(&mut client, name, name)?;
    }
    let open_files = process::descriptors(server.pid())?.saturating_sub(before);
    if open_files != 3 {
        return Err(
            format!("it keeps {open_files} files open, expected 3").into()
        );
    }
    // The last three are cached, the first ones are opened again.
    site.replace("19", "new")?;
    site.expect(&mut client, "19", "19")?;
    site.replace("0", "new")?;
    site.expect(&mut client, "0", "new")?;
    Ok(PASSED)
}

fn max_bytes(stage: &Stage) -> Outcome {
    let site = CacheSite::new("cache-max-bytes")?;
    let flags = ["--cache-valid", "86400", "--cache-bytes", "100"];
    let server = start(stage, &flags)?;
    let mut client = server.connect()?;
    let (small, large) = ("s".repeat(60), "l".repeat(1000));
    for _ in 0..3 {
        for (name, content) in [("a", &small), ("b", &small), ("c", &large)] {
            site.replace(name, content)?;
            site.expect(&mut client, name, content)?;
        }
    }
    Ok(PASSED)
}
