//! What the kernel knows about a stage: its socket options, its system calls,
//! its wake-ups. The book prints these snapshots.

pub mod idle;
pub mod interest;
pub mod kernel;
mod options;
mod sockets;
pub(crate) mod strace;
pub mod syscalls;
pub mod timer;
mod trace;

use crate::report;
use crate::snapshot::{HOW_TO_ACCEPT, Slot, Verdict};
use crate::stage::{Outcome, PASSED, Stage};

/// Compares `got` with this stage's snapshot `name`.
pub(crate) fn check(
    stage: &Stage,
    name: &str,
    promise: &str,
    got: &str,
) -> Outcome {
    let slot = Slot::of(stage, name, got);
    match slot.check(promise, got) {
        Verdict::Same => Ok(PASSED),
        Verdict::Missing => Err(format!(
            "There is no snapshot {} yet. The \
             output:\n\n{got}\n\n{HOW_TO_ACCEPT}",
            slot.shown()
        )
        .into()),
        Verdict::Differs(expected) => {
            Err(report::difference(&expected, got).into())
        }
    }
}
