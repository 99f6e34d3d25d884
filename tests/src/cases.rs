//! The tests written in Rust, module by module.

use crate::stage::Case;
use crate::{
    access_log, cache, cli, deadline, descriptors, disconnect, fairness, fault,
    files, fuzz, help, idle_clients, large, limits, loops, overload, parallel,
    process_one, reopen, sendfile, signal, slow_attacks, tools, truth, urgent,
    validators,
};

/// The snapshots that these tests write to `tests/snapshots/STAGE/`.
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
        fairness::cases(),
        fault::cases(),
        files::cases(),
        fuzz::cases(),
        help::cases(),
        large::cases(),
        limits::cases(),
        loops::cases(),
        parallel::cases(),
        process_one::cases(),
        reopen::cases(),
        overload::cases(),
        sendfile::cases(),
        signal::cases(),
        idle_clients::cases(),
        slow_attacks::cases(),
        tools::cases(),
        truth::idle::cases(),
        truth::kernel::cases(),
        truth::interest::cases(),
        truth::syscalls::cases(),
        truth::timer::cases(),
        urgent::cases(),
        validators::cases(),
        descriptors::cases(),
        disconnect::cases(),
    ]
    .concat()
}
