//! A log that can't be written must not stop the server.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::fault::inject::Injected;
use crate::process;
use crate::server::Server;
use crate::stage::{Outcome, PASSED, Stage, TRACING, can_trace, skip};

/// Enough requests to fill the pipe and the server's log buffer: each makes a
/// log line of 1.1 KB.
const MANY: usize = 4000;

/// Pipelined requests per connection.
const BATCH: usize = 50;

/// Sends `count` requests, each with a long log line, and reads all responses.
fn ask(server: &Server, count: usize) -> Result<(), String> {
    let target = format!("/hello.txt?{}", "x".repeat(1000));
    let request = format!("GET {target} HTTP/1.1\r\nHost: log\r\n\r\n");
    for start in (0..count).step_by(BATCH) {
        let batch = BATCH.min(count - start);
        let mut client = server.connect()?;
        client.send(request.repeat(batch).as_bytes())?;
        client.half_close();
        client.wait_for_end()?;
        let got = client.reader.responses.len();
        if got != batch {
            return Err(format!("{got} of {batch} requests were answered"));
        }
    }
    Ok(())
}

/// Fails unless `line` is one whole log line.
fn check_line(line: &str) -> Result<(), String> {
    let words: Vec<&str> = line.split(' ').collect();
    let whole = words.len() == 11
        && words[0] == "127.0.0.1"
        && words[9] == "13"
        && words[10].parse::<f64>().is_ok();
    if whole { Ok(()) } else { Err(format!("not a whole log line: {line}")) }
}

pub(super) fn disk_full(stage: &Stage) -> Outcome {
    if !can_trace() {
        return skip("access_log::disk_full", TRACING);
    }
    let server = stage.start(&[])?;
    let attached =
        Injected::attach(server.pid(), "write", "ENOSPC", stage.ceiling)?;
    let Some(injected) = attached else {
        return skip(
            "access_log::disk_full",
            "permission to attach with ptrace(2)",
        );
    };
    for _ in 0..6 {
        ask(&server, 1)?;
    }
    let failed = injected.detach(stage.ceiling)?;
    if failed == 0 {
        return Err("no write(2) failed: nothing was tested".into());
    }
    ask(&server, 1)?;
    let lines = server.stdout.wait_for(8, stage.ceiling);
    if lines.len() != 8 {
        let got = lines.len() - 1;
        return Err(format!("the log has {got} of 7 lines").into());
    }
    lines.iter().skip(1).try_for_each(|line| check_line(line))?;
    Ok(PASSED)
}

pub(super) fn reader(stage: &Stage) -> Outcome {
    let mut server = stage.start(&[])?;
    server.stdout.pause(true);
    ask(&server, MANY)?;
    server.check_alive()?;
    server.stdout.pause(false);
    // The server flushes its log buffer when it logs the next request.
    let mut asked = MANY + 1;
    let mut lost = None;
    process::until("the number of lost lines", stage.ceiling, || {
        asked += usize::from(ask(&server, 1).is_ok());
        lost = server.stderr.so_far().iter().find_map(|line| number(line));
        lost.is_some()
    })?;
    let expected = asked - lost.unwrap_or(0);
    let lines = server.stdout.wait_for(1 + expected, stage.ceiling);
    if lines.len() != 1 + expected {
        let (got, lost) = (lines.len() - 1, lost.unwrap_or(0));
        return Err(format!(
            "{asked} requests and {lost} lines reported lost, but the log has \
             {got} lines"
        )
        .into());
    }
    lines.iter().skip(1).try_for_each(|line| check_line(line))?;
    Ok(PASSED)
}

/// The number in `… access log: 123 lines lost`.
fn number(line: &str) -> Option<usize> {
    let (_, rest) = line.split_once("access log: ")?;
    rest.strip_suffix(" lines lost")?.parse().ok()
}

pub(super) fn stop(stage: &Stage) -> Outcome {
    let mut server = stage.start(&[])?;
    server.stdout.pause(true);
    server.stderr.pause(true);
    ask(&server, MANY)?;
    kill(Pid::from_raw(server.pid()), Signal::SIGTERM)
        .map_err(|error| error.to_string())?;
    let ended = server.wait_for_exit(stage.ceiling);
    server.stdout.pause(false);
    server.stderr.pause(false);
    ended?;
    Ok(PASSED)
}

pub(super) fn long_request(stage: &Stage) -> Outcome {
    let server = stage.start(&[])?;
    let mut client = server.connect()?;
    let target = "\"".repeat(8000);
    let request =
        format!("GET /hello.txt?{target} HTTP/1.1\r\nHost: l\r\n\r\n");
    client.ask(request.as_bytes())?;
    let lines = server.stdout.wait_for(2, stage.ceiling);
    let line = lines.last().map_or("", String::as_str);
    let truncated = line.contains("\\x22...\" 200 13 ");
    if truncated && line.len() < libc::PIPE_BUF && line.len() > 3 * 1024 {
        return Ok(PASSED);
    }
    Err(format!("{} bytes: {line}", line.len()).into())
}
