//! The machine and the time: without them a figure means nothing.

use std::fs;
use std::process::Command;
use std::time::SystemTime;

use crate::contender::{Contender, Kind, workspace};
use crate::pin::processors;

const CONGESTION_CONTROL: &str = "/proc/sys/net/ipv4/tcp_congestion_control";

/// A warning if this machine's settings distort the figures.
///
/// BBR sends by a timer, on loopback too. The server's CPU time then includes
/// the timer's interrupts, and for a large file sent by `sendfile` they are
/// most of it.
#[must_use]
pub fn warning() -> Option<String> {
    let algorithm = first_line(CONGESTION_CONTROL);
    algorithm.starts_with("bbr").then(|| {
        format!(
            "TCP's congestion control is {algorithm} here, which paces: the \
             figures, above all those of large files, will be dominated by its \
             timers.\nThe kernel's own default is cubic; as root:\n    sysctl \
             -w net.ipv4.tcp_congestion_control=cubic"
        )
    })
}

/// Names and values for the header of each file.
#[must_use]
pub fn describe(
    contenders: &[Contender],
    load: &str,
) -> Vec<(&'static str, String)> {
    let kernel = first_line("/proc/sys/kernel/osrelease");
    let memory = value("/proc/meminfo", "MemTotal");
    let cpu = value("/proc/cpuinfo", "model name");
    let busy = first_line("/proc/loadavg");
    let busy = busy.split(' ').take(3).collect::<Vec<_>>().join(" ");
    vec![
        ("date", httpdate::fmt_http_date(SystemTime::now())),
        ("commit", commit()),
        ("machine", format!("{cpu}, {} processors", processors().len())),
        ("memory", memory),
        ("kernel", format!("Linux {kernel}")),
        ("congestion control", first_line(CONGESTION_CONTROL)),
        ("compiler", said("rustc", &["--version"])),
        ("load", load.to_owned()),
        ("load average before", busy),
        ("peers", peers(contenders)),
    ]
}

/// The commit, and whether the stages have changed since.
fn commit() -> String {
    let commit = said("git", &["rev-parse", "--short=12", "HEAD"]);
    let changed = said("git", &["status", "--porcelain", "--", "stage*/src"]);
    match (commit.as_str(), changed.as_str()) {
        ("", _) => "unknown".to_owned(),
        (commit, "") => commit.to_owned(),
        (commit, _) => format!("{commit} and changes to the stages since"),
    }
}

/// Their versions.
fn peers(contenders: &[Contender]) -> String {
    let versions = contenders.iter().filter_map(|contender| {
        let Kind::Peer(program, _) = &contender.kind else { return None };
        let version = said(&program.display().to_string(), &["-v"]);
        // `nginx version: nginx/1.22.1`, `lighttpd/1.4.69 (ssl) - …`
        let word = version.split(' ').find(|word| word.contains('/'));
        Some(word.unwrap_or(&contender.name).to_owned())
    });
    let versions: Vec<String> = versions.collect();
    if versions.is_empty() { "none".into() } else { versions.join(", ") }
}

/// The first line that a program prints, or nothing.
fn said(program: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(workspace());
    let Ok(output) = command.output() else { return String::new() };
    let all = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&all).into_owned();
    text.lines().next().unwrap_or_default().to_owned()
}

fn first_line(path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().next().unwrap_or("unknown").to_owned()
}

/// The text after `name:`.
fn value(path: &str, name: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(found, _)| found.trim() == name)
        .map_or("unknown".into(), |(_, value)| value.trim().to_owned())
}
