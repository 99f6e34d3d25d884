//! The tests that are written in Rust, module by module.

use crate::stage::Case;
use crate::{
    access_log, cli, fair, fuzz, help, large, many, room, silence, tools,
    truth, urgent, vanish,
};

/// The snapshots that these tests make, in `tests/snapshots/STAGE/`.
pub const SNAPSHOTS: [&str; 6] =
    ["asleep", "help", "interest", "kernel", "readiness", "syscalls"];

/// Every Rust-coded test.
#[must_use]
pub fn all() -> Vec<Case> {
    [
        access_log::cases(),
        cli::cases(),
        fair::cases(),
        fuzz::cases(),
        help::cases(),
        large::cases(),
        many::cases(),
        room::cases(),
        silence::cases(),
        tools::cases(),
        truth::idle::cases(),
        truth::kernel::cases(),
        truth::interest::cases(),
        truth::syscalls::cases(),
        urgent::cases(),
        vanish::cases(),
    ]
    .concat()
}
