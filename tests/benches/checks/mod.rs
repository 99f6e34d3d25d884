//! Tests of the bench itself: `cargo test` runs them, and measures nothing.

mod measuring;
mod reports;
mod traffic;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed};

/// Runs the checks named on the command line, like any test program.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = reports::trials();
    trials.extend(measuring::trials());
    trials.extend(traffic::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Fails and prints both sides unless they are equal.
// Literals are easier to read unchanged.
#[allow(clippy::needless_pass_by_value)]
fn same<T: PartialEq + std::fmt::Debug>(got: T, want: T) -> Result<(), Failed> {
    if got == want {
        Ok(())
    } else {
        Err(format!("got:  {got:?}\nwant: {want:?}").into())
    }
}
