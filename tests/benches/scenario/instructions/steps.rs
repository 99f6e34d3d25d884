//! Counting instructions one by one, where the processor does not: ptrace(2).
//!
//! A traced thread that is told to make a single step executes one instruction
//! of its own and stops. What the kernel does for a system call is no step: the
//! instruction that calls it is one, and the next begins after it. It is slow,
//! some microseconds a step, and exact.

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

/// Asks the tracer how many there were so far: a signal that servers ignore,
/// and of which a tracer hears all the same.
const ASK: Signal = Signal::SIGURG;

/// How many instructions all threads of a server and its children execute in
/// user mode during each of the loads, one after the other. At the end the
/// server is killed.
///
/// # Errors
/// What a load says, or ptrace(2).
pub fn count<const N: usize>(
    server: i32,
    mut load: impl FnMut(usize) -> Result<(), String>,
) -> Result<[u64; N], String> {
    let (answer, answers) = channel();
    let tracer = thread::spawn(move || {
        // Where the server is too: they take turns, and to wake somebody on
        // another processor takes longer.
        pin::this_thread(Side::Server, true);
        trace(server, &answer)
    });
    // From its first word on nothing escapes it.
    let _ = answers.recv();
    let mut counts = [0; N];
    let mut done = Ok(());
    for (at, count) in counts.iter_mut().enumerate() {
        let before = ask(server, &answers);
        done = done.and_then(|()| load(at));
        *count = ask(server, &answers).saturating_sub(before);
    }
    let _ = kill(Pid::from_raw(server), Signal::SIGKILL);
    let ended = tracer.join().map_err(|_| "the tracer panicked")?;
    // Without a tracer nobody could have counted, whatever came of the load.
    ended.map_err(|error| format!("ptrace: {error}"))?;
    done.map(|()| counts)
}

/// 0 if the tracer has failed; it says why at its end.
fn ask(server: i32, answers: &Receiver<u64>) -> u64 {
    let _ = kill(Pid::from_raw(server), ASK);
    answers.recv().unwrap_or(0)
}

/// Whether this process may trace its children. Seccomp or Yama may be against
/// it.
///
/// # Errors
/// What ptrace(2) says.
pub fn possible() -> Result<(), String> {
    let mut child = Command::new("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .map_err(|e| e.to_string())?;
    let counted = count::<1>(child.id().cast_signed(), |_| Ok(()));
    // The tracer may have been told of its end.
    let _ = child.wait();
    counted.map(drop)
}

/// Steps through everything until the server is killed. Nobody may be waiting
/// for `answers` any more, which does not matter.
fn trace(server: i32, answers: &Sender<u64>) -> nix::Result<()> {
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
    let _ = answers.send(count);
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
                let _ = answers.send(count);
                (thread, None)
            }
            WaitStatus::Stopped(thread, signal) => (thread, Some(signal)),
            // It was interrupted, at the beginning.
            WaitStatus::PtraceEvent(thread, ..) => (thread, None),
            _ => continue,
        };
        unless_killed(ptrace::step(thread, signal))?;
    }
}

/// A thread may be killed after its last stop. Then there is nothing to be read
/// of it and nobody to go on, and the next wait says so.
fn unless_killed<T: Default>(done: nix::Result<T>) -> nix::Result<T> {
    match done {
        Err(nix::errno::Errno::ESRCH) => Ok(T::default()),
        done => done,
    }
}

/// Where each thread was after its last step.
///
/// An instruction of x86 that repeats itself, such as a copy of a kilobyte,
/// stops after each repetition and is where it was. The processor's counter
/// takes it for one, and so does this.
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
    // The same on all processors, though here it can't fail.
    #[allow(clippy::unnecessary_wraps)]
    fn moved(&mut self, _thread: Pid) -> nix::Result<bool> {
        Ok(true)
    }
}
