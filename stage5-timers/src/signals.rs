//! Signals as something to read, in the loop like everything else.

use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// The descriptor that becomes readable when the process is sent a signal.
///
/// A signal handler runs between any two instructions, and may do next to
/// nothing (signal-safety(7)). A signal that is blocked waits, and a signalfd
/// hands it out when we ask: an event among others.
pub struct Signals(SignalFd);

impl Signals {
    /// Blocks the signals that are meant for a server, and SIGPIPE: there is
    /// no `MSG_NOSIGNAL` for `sendfile(2)`. To be called before there
    /// are other threads, which inherit what is blocked.
    ///
    /// # Errors
    /// What `signalfd(2)` says.
    pub fn new() -> nix::Result<Self> {
        let mut expected = stop_signals();
        expected.add(Signal::SIGHUP);
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let signals = SignalFd::with_flags(&expected, flags)?;
        expected.add(Signal::SIGPIPE);
        expected.thread_block()?;
        Ok(Self(signals))
    }

    /// The descriptor, to be watched.
    #[must_use]
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Takes all signals that wait. Returns whether one of them was SIGTERM or
    /// SIGINT, and from then on leaves these to the kernel: the second one ends
    /// the process at once, whatever the process is doing.
    ///
    /// # Errors
    /// What `read(2)` says.
    pub fn read(&self) -> nix::Result<bool> {
        let mut stop = false;
        while let Some(signal) = self.0.read_signal()? {
            let number = i32::try_from(signal.ssi_signo).unwrap_or(0);
            if number == Signal::SIGHUP as i32 {
                // The log goes to standard output, which is not ours to
                // reopen. By default SIGHUP would end the process.
                log::warn!("SIGHUP: there is nothing to reopen");
            } else {
                stop = true;
            }
        }
        if stop {
            stop_signals().thread_unblock()?;
        }
        Ok(stop)
    }
}

/// The signals that ask a process to stop.
fn stop_signals() -> SigSet {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTERM);
    signals.add(Signal::SIGINT);
    signals
}
