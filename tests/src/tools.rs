//! Common client programs: curl(1), ab(1) and wrk(1).

use std::process::Command;

use crate::fixtures::{self, HELLO};
use crate::number::Number;
use crate::stage::{self, Case, Outcome, PASSED, Stage};

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
            "tools::curl",
            "curl gets what it requests: a file, also over HTTP/1.0, and a \
             range. A path\nthat leads out of the root is 400, and a PUT is \
             405.",
            curl,
        ),
        case(
            "tools::ab",
            "ab reports no failed request, on new connections and on \
             keep-alive\nconnections.",
            ab,
        ),
        case(
            "tools::wrk",
            "wrk, with 16 connections for a second, reports no error.",
            wrk,
        ),
    ]
}

/// A program's output.
struct Said {
    stdout: Vec<u8>,
    stderr: String,
}

/// Runs a program until it exits. Each has its own time limit.
fn run(tool: &str, arguments: &[&str]) -> Result<Said, String> {
    let output = Command::new(tool).args(arguments).output();
    let output = output.map_err(|error| format!("{tool}: {error}"))?;
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        let line = arguments.join(" ");
        let status = output.status;
        return Err(format!("{tool} {line}\n{status}:\n{stderr}"));
    }
    Ok(Said { stdout: output.stdout, stderr })
}

/// Runs curl with `flags`. Returns the status code, and the body with the log
/// of `-v`.
fn fetch(flags: &[&str], url: &str) -> Result<(String, Said), String> {
    let mine = ["-q", "-sv", "--noproxy", "*", "-m", "20"];
    let code = ["-w", "\n%{http_code}"];
    let mut output = run("curl", &[&mine, flags, &code, &[url]].concat())?;
    let end = output.stdout.iter().rposition(|&byte| byte == b'\n');
    let code = output.stdout.split_off(end.unwrap_or(0));
    Ok((String::from_utf8_lossy(&code).trim().to_owned(), output))
}

fn curl(stage: &Stage) -> Outcome {
    if !stage::has_tool("curl") {
        return stage::skip("tools::curl", "curl");
    }
    let mut server = stage.start(&["--quiet"])?;
    let site = format!("http://{}", server.address());
    let file = fixtures::site().root().join("hello.txt");
    let file = file.to_string_lossy();
    for (flags, path, code, body) in [
        (&[][..], "/hello.txt", "200", HELLO),
        (&["--http1.0"], "/hello.txt", "200", HELLO),
        (&["-r", "0-4"], "/hello.txt", "206", b"Hello"),
        (&["-I"], "/hello.txt", "200", b""),
        (&["-d", "a=b"], "/echo", "200", b"a=b"),
        (&["--path-as-is"], "/../x", "400", b""),
        (&["-T", &*file], "/echo", "405", b""),
    ] {
        let (got, output) = fetch(flags, &format!("{site}{path}"))?;
        // The text of an error page doesn't matter here, nor do heads.
        let judged = got.starts_with('2') && !flags.contains(&"-I");
        if got != code || judged && output.stdout != body {
            let body = String::from_utf8_lossy(&output.stdout).into_owned();
            let log = output.stderr;
            return Err(format!(
                "curl {} {path}: expected {code}, got {got}\n{body}\n{log}",
                flags.join(" ")
            )
            .into());
        }
    }
    let url = format!("{site}/mebibyte.bin");
    let (code, output) = fetch(&["-r", "0-99"], &url)?;
    let count = output.stdout.len();
    if code != "206" || count != 100 {
        let why = format!("the first 100 bytes: {code}, {count} bytes");
        return Err(why.into());
    }
    server.check_alive()?;
    Ok(PASSED)
}

fn ab(stage: &Stage) -> Outcome {
    if !stage::has_tool("ab") {
        return stage::skip("tools::ab", "ab");
    }
    let mut server = stage.start(&["--quiet"])?;
    let url = format!("http://{}/hello.txt", server.address());
    for (flags, count) in [
        (&["-k", "-c", "8", "-n", "2000"][..], "2000"),
        (&["-n", "500"], "500"),
    ] {
        let output =
            run("ab", &[&["-q", "-s", "20"], flags, &[&url]].concat())?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut expected = vec![("Complete requests", count)];
        expected.push(("Failed requests", "0"));
        if flags.contains(&"-k") {
            expected.push(("Keep-Alive requests", count));
        }
        let matches =
            |(name, count): &(&str, &str)| field(&text, name) == *count;
        if !expected.iter().all(matches) || text.contains("Non-2xx") {
            let flags = flags.join(" ");
            let why = format!("ab {flags}: expected {expected:?}\n{text}");
            return Err(why.into());
        }
    }
    server.check_alive()?;
    Ok(PASSED)
}

/// The text after `name:`.
fn field<'a>(text: &'a str, name: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.strip_prefix(':')).unwrap_or("").trim()
}

fn wrk(stage: &Stage) -> Outcome {
    if !stage::has_tool("wrk") {
        return stage::skip("tools::wrk", "wrk");
    }
    let mut server = stage.start(&["--quiet"])?;
    let url = format!("http://{}/hello.txt", server.address());
    let output = run("wrk", &["-t1", "-c16", "-d1s", &url])?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find(|line| line.contains(" requests in "));
    let count = line.and_then(|line| line.split_whitespace().next());
    let count = count.and_then(|count| count.parse::<u32>().ok()).unwrap_or(0);
    let error = ["Socket errors", "Non-2xx"].iter().any(|e| text.contains(e));
    if error || count == 0 {
        return Err(format!("wrk reports errors:\n{text}").into());
    }
    server.check_alive()?;
    Ok(PASSED)
}
