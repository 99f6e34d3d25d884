//! Whether the bench itself is right: without `cargo bench`, and so with
//! `cargo test`, it runs these, and measures nothing.

mod measuring;
mod reports;
mod traffic;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed};

/// Runs the checks that the command line names, as any test does.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = reports::trials();
    trials.extend(measuring::trials());
    trials.extend(traffic::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Fails with both sides unless they are the same.
// Literals read better as they are.
#[allow(clippy::needless_pass_by_value)]
fn same<T: PartialEq + std::fmt::Debug>(got: T, want: T) -> Result<(), Failed> {
    if got == want {
        Ok(())
    } else {
        Err(format!("got:  {got:?}\nwant: {want:?}").into())
    }
}
