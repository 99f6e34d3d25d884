//! Counts instructions by single steps, where the processor has no counter:
//! ptrace(2).
//!
//! A traced thread in single-step mode executes one instruction and stops. The
//! kernel's work in a system call is no step: the instruction that makes the
//! call is one, and the next step begins after it. This is slow, some
//! microseconds per step, and exact.

use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use conversations::process;
use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::cpu;
use crate::pin::{self, Side};

/// The signal that asks the tracer for the count so far: servers ignore it, and
/// the tracer still sees it.
const ASK: Signal = Signal::SIGURG;

/// The number of user-mode instructions of all threads of a server and its
/// children, during each of the loads, one after another. The server is killed
/// at the end.
///
/// # Errors
/// The error of a load, or as ptrace(2).
pub fn count<const N: usize>(
    server: i32,
    mut load: impl FnMut(usize) -> Result<(), String>,
) -> Result<[u64; N], String> {
    let (response, responses) = channel();
    let tracer = thread::spawn(move || {
        // On the server's processor: they take turns, and waking a thread on
        // another processor takes longer.
        pin::this_thread(Side::Server, true);
        trace(server, &response)
    });
    // It traces the server from its first line on.
    let _ = responses.recv();
    let mut counts = [0; N];
    let mut done = Ok(());
    for (at, count) in counts.iter_mut().enumerate() {
        let before = ask(server, &responses);
        done = done.and_then(|()| load(at));
        *count = ask(server, &responses).saturating_sub(before);
    }
    let _ = kill(Pid::from_raw(server), Signal::SIGKILL);
    let ended = tracer.join().map_err(|_| "the tracer panicked")?;
    // Without a tracer there is no count, whatever the load's result.
    ended.map_err(|error| format!("ptrace: {error}"))?;
    done.map(|()| counts)
}

/// 0 if the tracer has failed; it returns the reason when it ends.
fn ask(server: i32, responses: &Receiver<u64>) -> u64 {
    let _ = kill(Pid::from_raw(server), ASK);
    responses.recv().unwrap_or(0)
}

/// Whether this process may trace its children. Seccomp or Yama may forbid it.
///
/// # Errors
/// As ptrace(2).
pub fn possible() -> Result<(), String> {
    let mut child = Command::new("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .map_err(|e| e.to_string())?;
    let counted = count::<1>(child.id().cast_signed(), |_| Ok(()));
    // The tracer may already have reaped it.
    let _ = child.wait();
    counted.map(drop)
}

/// Steps until the server is killed. If the receiver of the counts has gone,
/// that doesn't matter.
fn trace(server: i32, responses: &Sender<u64>) -> nix::Result<()> {
    let any_thread = Some(WaitPidFlag::__WALL);
    for pid in cpu::family(server) {
        for task in process::tasks(pid).unwrap_or_default() {
            let thread = Pid::from_raw(task);
            ptrace::seize(thread, ptrace::Options::empty())?;
            ptrace::interrupt(thread)?;
        }
    }
    let mut places = Places::default();
    let mut count = 0;
    let _ = responses.send(count);
    loop {
        let (thread, signal) = match waitpid(None, any_thread)? {
            WaitStatus::Exited(thread, _)
            | WaitStatus::Signaled(thread, ..)
                if thread.as_raw() == server =>
            {
                return Ok(());
            }
            WaitStatus::Stopped(thread, Signal::SIGTRAP) => {
                count += u64::from(places.moved(thread)?);
                (thread, None)
            }
            WaitStatus::Stopped(thread, ASK) => {
                let _ = responses.send(count);
                (thread, None)
            }
            WaitStatus::Stopped(thread, signal) => (thread, Some(signal)),
            // The thread was interrupted at its start.
            WaitStatus::PtraceEvent(thread, ..) => (thread, None),
            _ => continue,
        };
        unless_killed(ptrace::step(thread, signal))?;
    }
}

/// A thread may be killed after its last stop. Then its registers can't be read
/// and it can't continue, and the next wait reports that.
fn unless_killed<T: Default>(done: nix::Result<T>) -> nix::Result<T> {
    match done {
        Err(nix::errno::Errno::ESRCH) => Ok(T::default()),
        done => done,
    }
}

/// The position of each thread after its last step.
///
/// A repeating x86 instruction, such as a copy of a kilobyte, stops after each
/// repetition at the same address. The processor's counter counts it once, and
/// so do we.
#[derive(Debug, Default)]
struct Places(#[cfg(target_arch = "x86_64")] Vec<(Pid, libc::c_long)>);

impl Places {
    #[cfg(target_arch = "x86_64")]
    fn moved(&mut self, thread: Pid) -> nix::Result<bool> {
        let register = std::mem::offset_of!(libc::user, regs)
            + std::mem::offset_of!(libc::user_regs_struct, rip);
        let address = std::ptr::without_provenance_mut(register);
        let now = unless_killed(ptrace::read_user(thread, address))?;
        if let Some((_, before)) = self.0.iter_mut().find(|p| p.0 == thread) {
            return Ok(std::mem::replace(before, now) != now);
        }
        self.0.push((thread, now));
        Ok(true)
    }

    #[cfg(not(target_arch = "x86_64"))]
    // For all architectures, although it can't fail here.
    #[allow(clippy::unnecessary_wraps)]
    fn moved(&mut self, _thread: Pid) -> nix::Result<bool> {
        Ok(true)
    }
}
