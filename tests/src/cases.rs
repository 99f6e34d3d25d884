//! The tests that are written in Rust, module by module.

use crate::stage::Case;
use crate::{
    access_log, cache, cli, deadline, fair, fault, files, fuzz, help, large,
    limit, loops, many, room, sendfile, signal, silence, slow, tools, truth,
    urgent, vanish,
};

/// The snapshots that these tests make, in `tests/snapshots/STAGE/`.
pub const SNAPSHOTS: [&str; 6] =
    ["asleep", "help", "interest", "kernel", "readiness", "syscalls"];

/// Every Rust-coded test.
#[must_use]
pub fn all() -> Vec<Case> {
    [
        access_log::cases(),
        cache::cases(),
        cli::cases(),
        deadline::cases(),
        fair::cases(),
        fault::cases(),
        files::cases(),
        fuzz::cases(),
        help::cases(),
        large::cases(),
        limit::cases(),
        loops::cases(),
        many::cases(),
        room::cases(),
        sendfile::cases(),
        signal::cases(),
        silence::cases(),
        slow::cases(),
        tools::cases(),
        truth::idle::cases(),
        truth::kernel::cases(),
        truth::interest::cases(),
        truth::syscalls::cases(),
        truth::timer::cases(),
        urgent::cases(),
        vanish::cases(),
    ]
    .concat()
}
