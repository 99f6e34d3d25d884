//! How many instructions of its own does a server take for a request? The
//! count does not vary with what else the machine does, as time does.

use std::io;
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::time::Duration;

use conversations::process;
use nix::unistd::read;

use super::{Bench, Figure, Scenario, everyone, requests};
use crate::client::{self, Load};
use crate::contender::Contender;
use crate::cpu;
use crate::pin::{self, Side};
use crate::server::{Needs, Server};

/// In user mode only: those of the kernel are not counted.
pub const INSTRUCTIONS: Scenario = Scenario {
    name: "instructions",
    title: "user-mode instructions of a request, 64 connections, 1 KiB",
    unit: "instructions",
    who: everyone,
    steps: &[64],
    rounds: 1,
    run,
    absent,
};

fn absent() -> Option<String> {
    let this = std::process::id().cast_signed();
    let why = Counter::open(this).err()?;
    Some(format!("perf_event_open counts no instructions here: {why}"))
}

fn run(
    contender: &Contender,
    clients: usize,
    bench: &Bench,
) -> Result<Vec<Figure>, String> {
    let needs = Needs { connections: clients, ..Needs::default() };
    let server = Server::start(contender, &needs, &bench.site)?;
    let load = Load {
        connections: clients,
        most: 64_000,
        ..requests::small(&server, Duration::from_secs(60))
    };
    requests::warm_up(&load)?;
    cpu::time_at_rest(server.pid())?;
    let mut counters = Vec::new();
    for pid in cpu::family(server.pid()) {
        for task in process::tasks(pid)? {
            counters.push(Counter::open(task).map_err(|e| e.to_string())?);
        }
    }
    pin::this_thread(Side::Load, true);
    let answers = client::run(&load)?.answers;
    let counts = counters.iter().map(Counter::read);
    let sum: u64 =
        counts.sum::<io::Result<u64>>().map_err(|e| e.to_string())?;
    let value = sum as f64 / answers as f64;
    Ok(vec![Figure { value, ..Figure::default() }])
}

/// A counter of one thread, `perf_event_open(2)`.
#[derive(Debug)]
struct Counter(OwnedFd);

/// `struct perf_event_attr` as far as it is needed here, in the kernel's
/// first version of it; the rest is zero.
#[repr(C)]
struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    sample: [u64; 3],
    flags: u64,
    rest: [u64; 2],
}

/// Which version it is, the kernel knows by its size: `PERF_ATTR_SIZE_VER0`.
const SIZE: u32 = 64;

const HARDWARE: u32 = 0;
const INSTRUCTION_COUNT: u64 = 1;
const EXCLUDE_KERNEL: u64 = 1 << 5;
const EXCLUDE_HYPERVISOR: u64 = 1 << 6;

impl Counter {
    fn open(task: i32) -> io::Result<Self> {
        let attributes = Attributes {
            kind: HARDWARE,
            size: SIZE,
            config: INSTRUCTION_COUNT,
            sample: [0; 3],
            flags: EXCLUDE_KERNEL | EXCLUDE_HYPERVISOR,
            rest: [0; 2],
        };
        let (any_processor, no_group, flags) = (-1, -1, 0);
        // SAFETY: the attributes outlive the call, and name their own size.
        let fd = unsafe {
            libc::syscall(
                libc::SYS_perf_event_open,
                &raw const attributes,
                task,
                any_processor,
                no_group,
                flags,
            )
        };
        let fd = i32::try_from(fd).unwrap_or(-1);
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just opened it, and nothing else owns it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    fn read(&self) -> io::Result<u64> {
        let mut bytes = [0; 8];
        read(&self.0, &mut bytes)?;
        Ok(u64::from_ne_bytes(bytes))
    }
}
