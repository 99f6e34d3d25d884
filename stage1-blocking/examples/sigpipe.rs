//! What happens to a server that sends to a client that has gone?
//!
//! Each row is a process of its own, which sends twice. `SIGPIPE` is the action
//! of that signal: the default, as in a C program, or ignored, as Rust's
//! runtime does before `main`.
//!
//! Predict first: does the first `send` to a client that has closed fail? Which
//! rows end with a signal? What does `MSG_NOSIGNAL` change?
//!
//! Then change: `send` to `write` (which has no such flag), and the first
//! `send` to many. Look at `$?` in the parent's shell after a signal has ended
//! a process.

use std::io::Write as _;
use std::net::TcpStream;
use std::os::fd::AsRawFd as _;
use std::process::ExitCode;

use conversations::lab::child::{ending, itself, role, sigpipe};
use conversations::lab::info::TcpInfo;
use conversations::lab::sockets::pair;
use conversations::lab::{self, Lab, Table, until, works};
use nix::libc::linger;
use nix::sys::socket::{MsgFlags, send, setsockopt, sockopt};

fn main() -> ExitCode {
    lab::run(experiment)
}

fn experiment() -> Lab {
    let role = role();
    if let [signal, flag, client] = &role[..] {
        return send_twice(signal, flag, client);
    }
    let mut table = Table::new(&[
        "SIGPIPE",
        "flag",
        "client",
        "1st send",
        "2nd send",
        "exit status",
    ]);
    for client in ["closed", "reset"] {
        for signal in ["default", "ignored"] {
            for flag in ["none", "MSG_NOSIGNAL"] {
                let output = itself(&[signal, flag, client])?.output()?;
                let said = String::from_utf8_lossy(&output.stdout);
                let mut said = said.lines();
                let mut next = || said.next().unwrap_or("-");
                let (first, second) = (next(), next());
                let end = ending(output.status);
                table.row(&[signal, flag, client, first, second, &end]);
            }
        }
    }
    println!("{table}");
    Ok(())
}

/// The child process: its client closes, and it sends twice.
fn send_twice(signal: &str, flag: &str, client: &str) -> Lab {
    sigpipe(signal == "ignored")?;
    let flags = match flag {
        "none" => MsgFlags::empty(),
        _ => MsgFlags::MSG_NOSIGNAL,
    };
    let (theirs, ours) = pair()?;
    if client == "reset" {
        // With SO_LINGER of 0 s, `close` sends a RST.
        let at_once = linger { l_onoff: 1, l_linger: 0 };
        setsockopt(&theirs, sockopt::Linger, &at_once)?;
    }
    drop(theirs);
    until("the end to arrive", || state(&ours) != "ESTABLISHED")?;
    say(&send(ours.as_raw_fd(), b"x", flags));
    // The kernel of a client that has closed answers our byte with a RST.
    until("the reset to arrive", || state(&ours) == "CLOSE")?;
    say(&send(ours.as_raw_fd(), b"x", flags));
    Ok(())
}

fn state(socket: &TcpStream) -> &'static str {
    TcpInfo::of(socket).map_or("?", |info| info.state)
}

/// Prints the result at once, because a signal may end this process.
fn say(sent: &nix::Result<usize>) {
    println!("{}", works(sent));
    let _ = std::io::stdout().flush();
}
