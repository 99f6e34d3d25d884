//! SIGHUP: the server reopens its root directory by name.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::number::Number;
use crate::process;
use crate::server::Server;
use crate::stage::{Case, Outcome, PASSED, Stage};

/// Larger than the buffers of both sides.
const LARGE: usize = 64 * 1024 * 1024;

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    let case = |name, promise, run| Case {
        name,
        promise,
        from: Number::step(5, 7),
        until: Number::EVER,
        any_server: false,
        run,
    };
    vec![
        case(
            "reopen::replaced_root",
            "After SIGHUP every loop serves the directory that has the root's \
             name now,\nand evicts the cached files of the old one.",
            replaced_root,
        ),
        case(
            "reopen::switched_link",
            "If the root is a link that now points to another release, the \
             server follows\nit after SIGHUP. A response in flight is finished \
             from the old release.",
            switched_link,
        ),
        case(
            "reopen::missing_root",
            "If the root can't be opened at SIGHUP, the server says so in one \
             line and\nkeeps the old one.",
            missing_root,
        ),
    ]
}

fn start(stage: &Stage, root: &Path) -> Result<Server, String> {
    Server::start_at(stage, root, &["--quiet", "--max-requests", "0"])
}

/// Creates a directory with a file that contains `text`.
fn release(path: &Path, text: &str) -> Result<(), String> {
    fs::create_dir_all(path)
        .and_then(|()| fs::write(path.join("a"), text))
        .map_err(|error| format!("{}: {error}", path.display()))
}

fn hang_up(server: &Server) -> Result<(), String> {
    let pid = Pid::from_raw(server.pid());
    kill(pid, Signal::SIGHUP).map_err(|error| error.to_string())
}

/// Requests `/a` on a new connection and returns the body.
fn ask(server: &Server) -> Result<String, String> {
    let mut client = server.connect()?;
    let request = b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let response = client.ask(request)?;
    Ok(String::from_utf8_lossy(&response.body).into_owned())
}

/// Waits until 20 connections in a row get `text`: with several loops, some of
/// them reach each loop.
fn until_all(server: &Server, stage: &Stage, text: &str) -> Result<(), String> {
    process::until(&format!("{text:?} from all loops"), stage.ceiling, || {
        (0..20).all(|_| ask(server).is_ok_and(|body| body == text))
    })
}

fn replaced_root(stage: &Stage) -> Outcome {
    let folder = tempfile::tempdir()?;
    let root = folder.path().join("public");
    release(&root, "old")?;
    let server = start(stage, &root)?;
    until_all(&server, stage, "old")?;
    fs::remove_dir_all(&root)?;
    release(&root, "new")?;
    hang_up(&server)?;
    until_all(&server, stage, "new")?;
    let open = process::open_files(server.pid())?;
    let kept = open.iter().find(|path| {
        path.starts_with(folder.path())
            && path.to_string_lossy().ends_with(" (deleted)")
    });
    if let Some(path) = kept {
        return Err(format!("still open: {}", path.display()).into());
    }
    Ok(PASSED)
}

fn switched_link(stage: &Stage) -> Outcome {
    let folder = tempfile::tempdir()?;
    let (one, two) = (folder.path().join("1"), folder.path().join("2"));
    release(&one, "one")?;
    release(&two, "two")?;
    fs::write(one.join("large"), vec![b'1'; LARGE])?;
    let root = folder.path().join("current");
    symlink(&one, &root)?;
    let server = start(stage, &root)?;
    until_all(&server, stage, "one")?;
    let mut client = server.connect()?;
    client
        .send(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
    client.settle(stage.ceiling);
    symlink(&two, folder.path().join("next"))?;
    fs::rename(folder.path().join("next"), &root)?;
    hang_up(&server)?;
    until_all(&server, stage, "two")?;
    client.wait_for_end()?;
    let response = client.reader.responses.last().ok_or("no response")?;
    if response.missing > 0 || response.body.iter().any(|&byte| byte != b'1') {
        return Err("the response in flight was not the old file".into());
    }
    Ok(PASSED)
}

fn missing_root(stage: &Stage) -> Outcome {
    let folder = tempfile::tempdir()?;
    let root = folder.path().join("public");
    release(&root, "old")?;
    let mut server = start(stage, &root)?;
    let elsewhere = folder.path().join("moved");
    fs::rename(&root, &elsewhere)?;
    hang_up(&server)?;
    let lines = server.stderr.wait_for(1, stage.ceiling);
    if !lines.iter().any(|line| line.contains("cannot reopen")) {
        return Err(format!("stderr: {lines:?}").into());
    }
    until_all(&server, stage, "old")?;
    match server.exit_status() {
        None => Ok(PASSED),
        Some(status) => Err(format!("the server ended: {status}").into()),
    }
}
