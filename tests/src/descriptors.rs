//! The configuration must fit into the descriptor limit.

use crate::number::Number;
use crate::stage::{Case, Launch, Outcome, PASSED, Stage};

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    let case = |name, from, until, promise, run| Case {
        name,
        promise,
        from,
        until,
        any_server: false,
        run,
    };
    vec![
        case(
            "descriptors::too_few",
            Number::stage(1),
            Number::EVER,
            "If the descriptor limit is too low for the configuration, the \
             server exits\nat start with one line that names the number it \
             needs and the limit. It\nnever starts only to reject every \
             client.",
            too_few,
        ),
        case(
            "descriptors::just_enough",
            Number::stage(1),
            Number::EVER,
            "With a descriptor limit that is low but sufficient, every client \
             is served.",
            just_enough,
        ),
        case(
            "descriptors::soft_limit",
            Number::stage(1),
            Number::EVER,
            "The server raises its soft limit to the hard limit before it \
             checks whether\nthe configuration fits.",
            soft_limit,
        ),
    ]
}

/// `stage`, started by a shell that first runs `before`, with `flags`.
fn after(stage: &Stage, before: &str, flags: &str) -> Result<Stage, String> {
    let script = format!("{before}; exec \"$0\" \"$@\" --quiet {flags}");
    let binary = stage.binary()?.to_string_lossy().into_owned();
    let launch =
        Launch::Program("sh".into(), vec!["-c".into(), script, binary]);
    Ok(Stage { launch, ..stage.clone() })
}

fn too_few(stage: &Stage) -> Outcome {
    let (limit, flags) = match stage.number {
        1 => (1024, "--threads 4000"),
        6 => (1024, "--threads 64"),
        _ => (16, ""),
    };
    let limited = after(stage, &format!("ulimit -n {limit}"), flags)?;
    let (code, stderr) = limited.fail()?;
    let start = format!("{}: cannot serve: ", stage.name);
    let end = format!("descriptors, limit is {limit} (ulimit -n)");
    match &stderr[..] {
        [line] if line.starts_with(&start) && line.ends_with(&end) => {}
        _ => {
            return Err(format!(
                "expected one line `{start}… {end}` on stderr, got {stderr:#?}"
            )
            .into());
        }
    }
    match code {
        Some(1) => Ok(PASSED),
        other => Err(format!("exit code {other:?}").into()),
    }
}

fn just_enough(stage: &Stage) -> Outcome {
    let flags = match stage.number {
        1 => "--threads 10",
        6 => "--threads 1",
        _ => "",
    };
    let mut server = after(stage, "ulimit -n 40", flags)?.start(&[])?;
    for _ in 0..20 {
        server.check_alive()?;
    }
    Ok(PASSED)
}

fn soft_limit(stage: &Stage) -> Outcome {
    let flags = match stage.number {
        1 => "--threads 100",
        6 => "--threads 8",
        _ => "",
    };
    let mut server = after(stage, "ulimit -S -n 20", flags)?.start(&[])?;
    server.check_alive()?;
    let path = format!("/proc/{}/limits", server.pid());
    let limits = std::fs::read_to_string(path)?;
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    let mut words = line.unwrap_or("").split_whitespace().skip(3);
    let (soft, hard) = (words.next(), words.next());
    if soft.is_none() || soft != hard || soft == Some("20") {
        return Err(format!("{line:?}").into());
    }
    Ok(PASSED)
}
