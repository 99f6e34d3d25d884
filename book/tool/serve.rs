//! `cargo book`: builds everything, then this process becomes the server.

use std::convert::Infallible;
use std::env;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

use crate::render;
use crate::workspace::Workspace;

/// Builds the book and the server, then replaces this process with the server,
/// so that Ctrl-C or a signal to this process stops everything.
///
/// # Errors
///
/// The address is in use, or something does not build.
pub fn serve(
    workspace: &Workspace,
    stage: u32,
    listen: SocketAddr,
    into: Option<&Path>,
) -> Result<Infallible> {
    let stage = workspace.stage(stage).map_err(|error| anyhow!(error))?;
    let listen = free_address(listen)?;
    let book = render::build(workspace, into)?;
    let server = build_server(workspace, &stage)?;
    eprintln!("the book is at http://{}/", reachable(listen));
    let failure = Command::new(&server)
        .arg(book)
        .arg("--quiet")
        .args(["--listen", &listen.to_string()])
        .exec();
    Err(anyhow!("cannot run {}: {failure}", server.display()))
}

/// Checks the address now rather than after a minute of building, and replaces
/// port 0 with a free port: after `exec`, this program could no longer read the
/// port from the server's output.
fn free_address(listen: SocketAddr) -> Result<SocketAddr> {
    let taken = || {
        format!("cannot listen on {listen} (try --listen {}:0)", listen.ip())
    };
    let listener = TcpListener::bind(listen).with_context(taken)?;
    listener.local_addr().with_context(taken)
}

/// The address for the browser, which can't connect to a wildcard address.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let loopback = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(loopback, listen.port())
}

/// Builds the server and gets its path from cargo, because the environment or a
/// configuration file may set the target folder.
fn build_server(workspace: &Workspace, stage: &str) -> Result<PathBuf> {
    eprintln!("building {stage} (the first time takes a minute)");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(&cargo)
        .args(["build", "--release", "--package", stage])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(&workspace.root)
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run {}", cargo.display()))?;
    if !output.status.success() {
        bail!("{stage} does not build");
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| {
            message.pointer("/target/name") == Some(&stage.into())
        })
        .find_map(|message| Some(message.get("executable")?.as_str()?.into()))
        .with_context(|| format!("cargo did not report a program for {stage}"))
}
