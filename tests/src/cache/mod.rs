//! Files that stage 6 remembers: what it serves when they have changed, and
//! how many it keeps.

mod own;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use self::own::Own;
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
            "cache::remembers",
            "A cached file is served for --cache-valid seconds, whatever \
             happens to the\n\
             file in that time.",
            remembers,
        ),
        case(
            "cache::notices",
            "After --cache-valid seconds, a file that was replaced, rewritten \
             in place,\n\
             removed or forbidden is served in its new state.",
            notices,
        ),
        case(
            "cache::lets_go",
            "A deleted file without requests is closed after --cache-idle \
             seconds, so\n\
             that its disk space becomes free.",
            lets_go,
        ),
        case(
            "cache::off",
            "With --cache-valid 0 the very next request sees every change.",
            off,
        ),
        case(
            "cache::few_files",
            "A loop keeps at most --cache-files files open, and serves all of \
             them.",
            few_files,
        ),
        case(
            "cache::few_bytes",
            "A file that does not fit into --cache-bytes is served all the \
             same.",
            few_bytes,
        ),
    ]
}

/// One loop, so that all requests meet the same cache.
fn start(stage: &Stage, flags: &[&str]) -> Result<Server, String> {
    let mut all = vec!["--quiet", "--threads", "1", "--max-requests", "0"];
    all.extend(flags);
    let server = stage.start(&all)?;
    process::until_asleep(server.pid(), stage.ceiling)?;
    Ok(server)
}

fn remembers(stage: &Stage) -> Outcome {
    let own = Own::new("cache-remembers")?;
    own.write("a", "one")?;
    let server = start(stage, &["--cache-valid", "86400"])?;
    let mut client = server.connect()?;
    own.expect(&mut client, "a", "one")?;
    own.replace("a", "two")?;
    own.expect(&mut client, "a", "one")?;
    own.remove("a")?;
    own.expect(&mut client, "a", "one")?;
    // What is not there is not remembered.
    own.expect(&mut client, "b", "404")?;
    own.write("b", "there")?;
    own.expect(&mut client, "b", "there")?;
    Ok(PASSED)
}

fn notices(stage: &Stage) -> Outcome {
    let own = Own::new("cache-notices")?;
    own.write("a", "one")?;
    let server = start(stage, &["--cache-valid", "1"])?;
    own.until(&server, stage, "a", "one")?;
    own.replace("a", "two")?;
    own.until(&server, stage, "a", "two")?;
    // As long as before: only the time of its change tells.
    own.write("a", "six")?;
    own.until(&server, stage, "a", "six")?;
    own.remove("a")?;
    own.until(&server, stage, "a", "404")?;
    own.write("a", "again")?;
    own.until(&server, stage, "a", "again")?;
    let nobody = fs::Permissions::from_mode(0o0);
    fs::set_permissions(own.path.join("a"), nobody)
        .map_err(|e| e.to_string())?;
    own.until(&server, stage, "a", "403")?;
    Ok(PASSED)
}

fn lets_go(stage: &Stage) -> Outcome {
    let own = Own::new("cache-lets-go")?;
    let flags = ["--cache-valid", "86400", "--cache-idle", "1"];
    let server = start(stage, &flags)?;
    let mut client = server.connect()?;
    for name in ["a", "b"] {
        own.write(name, name)?;
        own.expect(&mut client, name, name)?;
        own.remove(name)?;
    }
    process::until("the files to be closed", stage.ceiling, || {
        let open = process::open_files(server.pid()).unwrap_or_default();
        !open.iter().any(|path| path.starts_with(&own.path))
    })?;
    // They are forgotten, and not only closed.
    own.expect(&mut client, "a", "404")?;
    Ok(PASSED)
}

fn off(stage: &Stage) -> Outcome {
    let own = Own::new("cache-off")?;
    let server = start(stage, &["--cache-valid", "0"])?;
    let mut client = server.connect()?;
    for content in ["one", "two", "six"] {
        own.write("a", content)?;
        own.expect(&mut client, "a", content)?;
    }
    own.remove("a")?;
    own.expect(&mut client, "a", "404")?;
    Ok(PASSED)
}

fn few_files(stage: &Stage) -> Outcome {
    let own = Own::new("cache-few-files")?;
    let flags = ["--cache-valid", "86400", "--cache-files", "3"];
    let server = start(stage, &flags)?;
    let mut client = server.connect()?;
    own.expect(&mut client, "none", "404")?;
    let before = process::descriptors(server.pid())?;
    let names: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    for name in &names {
        own.write(name, name)?;
        own.expect(&mut client, name, name)?;
    }
    let kept = process::descriptors(server.pid())?.saturating_sub(before);
    if kept != 3 {
        return Err(format!("it keeps {kept} files, 3 were due").into());
    }
    // The last three are known, the first ones are looked at again.
    own.replace("19", "new")?;
    own.expect(&mut client, "19", "19")?;
    own.replace("0", "new")?;
    own.expect(&mut client, "0", "new")?;
    Ok(PASSED)
}

fn few_bytes(stage: &Stage) -> Outcome {
    let own = Own::new("cache-few-bytes")?;
    let flags = ["--cache-valid", "86400", "--cache-bytes", "100"];
    let server = start(stage, &flags)?;
    let mut client = server.connect()?;
    let (small, large) = ("s".repeat(60), "l".repeat(1000));
    for _ in 0..3 {
        for (name, content) in [("a", &small), ("b", &small), ("c", &large)] {
            own.replace(name, content)?;
            own.expect(&mut client, name, content)?;
        }
    }
    Ok(PASSED)
}
