//! Ending by a signal, even as process 1 of a container.

use std::{io, process, thread};

use nix::sys::signal::{SigSet, Signal};

/// The signals that ask a process to stop.
#[must_use]
pub fn stop_signals() -> SigSet {
    [Signal::SIGTERM, Signal::SIGINT].into_iter().collect()
}

/// From now on, SIGTERM and SIGINT end the process at once, whatever it is
/// doing: by their default action, which the parent process can see.
///
/// The kernel does not apply default actions to process 1 (see
/// `pid_namespaces(7)`), which is what `docker run` makes of a server. So there
/// a thread waits for the signals, and the exit code is the one that a shell
/// would report. Call this before other threads start: they inherit the mask.
///
/// # Errors
/// Those of `pthread_sigmask(3)`, and if there can be no thread.
pub fn end_on_stop_signals() -> io::Result<()> {
    let signals = stop_signals();
    if process::id() != 1 {
        return Ok(signals.thread_unblock()?);
    }
    signals.thread_block()?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        if let Ok(signal) = signals.wait() {
            process::exit(128 + signal as i32);
        }
    })?;
    Ok(())
}
