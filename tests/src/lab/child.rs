//! A lab that starts itself again as a child process, with an argument that
//! names the child's role.

use std::env;
use std::io;
use std::process::{Command, ExitStatus};

use std::os::unix::process::ExitStatusExt as _;

use nix::sys::signal::{SigHandler, Signal, signal};

/// The arguments; empty if a person started the program.
#[must_use]
pub fn role() -> Vec<String> {
    env::args().skip(1).collect()
}

/// This program as a child, in the given role.
///
/// # Errors
/// If the program's own path can't be determined.
pub fn itself(role: &[&str]) -> io::Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.args(role);
    Ok(command)
}

/// How a process ended: `exit 0`, or the name of the signal that ended it.
#[must_use]
pub fn ending(status: ExitStatus) -> String {
    let signal = status.signal().and_then(|s| Signal::try_from(s).ok());
    match (signal, status.code()) {
        (Some(signal), _) => signal.to_string(),
        (None, Some(code)) => format!("exit {code}"),
        (None, None) => status.to_string(),
    }
}

/// Makes SIGPIPE kill the process, as it does in a C program, or ignores it, as
/// Rust's runtime does before `main`.
///
/// # Errors
/// As sigaction(2).
pub fn sigpipe(ignored: bool) -> nix::Result<()> {
    let handler = if ignored { SigHandler::SigIgn } else { SigHandler::SigDfl };
    // SAFETY: neither disposition runs any code of ours.
    unsafe { signal(Signal::SIGPIPE, handler) }.map(drop)
}
