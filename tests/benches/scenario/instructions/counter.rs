//! The processor's counter of a thread's instructions.

use std::io;
use std::os::fd::{FromRawFd as _, OwnedFd};

use nix::unistd::read;

/// A counter of one thread, `perf_event_open(2)`.
#[derive(Debug)]
pub struct Counter(OwnedFd);

/// The first fields of `struct perf_event_attr`, in the kernel's first version
/// of it; the rest is zero.
#[repr(C)]
struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    sample: [u64; 3],
    flags: u64,
    rest: [u64; 2],
}

/// The size tells the kernel the version: `PERF_ATTR_SIZE_VER0`.
const SIZE: u32 = 64;

const HARDWARE: u32 = 0;
const INSTRUCTION_COUNT: u64 = 1;
const EXCLUDE_KERNEL: u64 = 1 << 5;
const EXCLUDE_HYPERVISOR: u64 = 1 << 6;

impl Counter {
    /// Starts to count the thread's instructions in user mode.
    ///
    /// # Errors
    /// As `perf_event_open(2)`; ENOENT where there is no hardware counter, as
    /// in most virtual machines.
    pub fn open(task: i32) -> io::Result<Self> {
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

    /// The count so far.
    ///
    /// # Errors
    /// As read(2).
    pub fn read(&self) -> io::Result<u64> {
        let mut bytes = [0; 8];
        read(&self.0, &mut bytes)?;
        Ok(u64::from_ne_bytes(bytes))
    }
}
