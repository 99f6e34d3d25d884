//! The tests that are written in Rust, module by module.

use crate::stage::Case;
use crate::{access_log, cli, fuzz, large, many, truth, vanish};

/// The snapshots that these tests make, in `tests/snapshots/STAGE/`.
pub const SNAPSHOTS: [&str; 2] = ["kernel", "syscalls"];

/// Every Rust-coded test.
#[must_use]
pub fn all() -> Vec<Case> {
    [
        access_log::cases(),
        cli::cases(),
        fuzz::cases(),
        large::cases(),
        many::cases(),
        truth::idle::cases(),
        truth::kernel::cases(),
        truth::syscalls::cases(),
        vanish::cases(),
    ]
    .concat()
}
