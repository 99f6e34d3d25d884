//! What `cargo ladder` and `cargo practice` have in common: an answer or a
//! failure, and the exit code for it.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

/// What a command prints when it could do its work.
#[derive(Debug)]
pub struct Answer {
    /// The text, with its last line end.
    pub text: String,
    /// Whether all is well; otherwise the exit code is 1.
    pub good: bool,
}

impl Answer {
    /// All is well.
    #[must_use]
    pub fn good(text: String) -> Self {
        Self { text, good: true }
    }

    /// The command did its work, and what it found is not good.
    #[must_use]
    pub fn bad(text: String) -> Self {
        Self { text, good: false }
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub enum Failure {
    /// The command line makes no sense: exit code 2.
    Usage(String),
    /// It does, but something else is wrong: exit code 1.
    Blocked(String),
}

/// For `?`, where the error is a sentence already.
impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self::Blocked(text)
    }
}

/// Prints the answer, or the failure after the program's name.
#[must_use]
pub fn finish(program: &str, result: Result<Answer, Failure>) -> ExitCode {
    let (text, code) = match result {
        Ok(answer) => match print(&answer.text) {
            Ok(()) => return ExitCode::from(u8::from(!answer.good)),
            Err(error) => (format!("cannot print: {error}"), 1),
        },
        Err(Failure::Usage(text)) => (text, 2),
        Err(Failure::Blocked(text)) => (text, 1),
    };
    eprintln!("{program}: {text}");
    ExitCode::from(code)
}

/// Prints all of it. If the reader closes the pipe early, as `head` does, it
/// has seen what it wanted.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}
