//! The lab as a process of its own: it runs itself, with a word that says
//! which part to play.

use std::env;
use std::io;
use std::process::{Command, ExitStatus};

use std::os::unix::process::ExitStatusExt as _;

use nix::sys::signal::{SigHandler, Signal, signal};

/// The words behind the program's name; none if a person started it.
#[must_use]
pub fn role() -> Vec<String> {
    env::args().skip(1).collect()
}

/// This program, to play another part.
///
/// # Errors
/// If the file of the program is not to be found.
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

/// Makes SIGPIPE end the process, as in a program in C, or be ignored, as the
/// runtime of Rust has it before `main`.
///
/// # Errors
/// As sigaction(2).
pub fn sigpipe(ignored: bool) -> nix::Result<()> {
    let handler = if ignored { SigHandler::SigIgn } else { SigHandler::SigDfl };
    // SAFETY: neither of the two runs any code of ours.
    unsafe { signal(Signal::SIGPIPE, handler) }.map(drop)
}
