//! Signals as events: read from a descriptor, in the loop.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::signal::Signal;
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::process_one::{end_on_stop_signals, stop_signals};

/// The descriptor that becomes readable when the process receives a signal.
///
/// A signal handler runs between any two instructions, and may do next to
/// nothing (signal-safety(7)). A blocked signal stays pending, and a signalfd
/// delivers it when we ask: an event like any other.
pub struct Signals(SignalFd);

impl Signals {
    /// Blocks the signals that a server handles, and SIGPIPE, because
    /// `sendfile(2)` has no `MSG_NOSIGNAL`. Call it before other threads start,
    /// which inherit the mask, and before anybody can know that the server
    /// runs.
    ///
    /// # Errors
    /// Those of `signalfd(2)`.
    pub fn new() -> nix::Result<Self> {
        let mut expected = stop_signals();
        expected.add(Signal::SIGHUP);
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let signals = SignalFd::with_flags(&expected, flags)?;
        expected.add(Signal::SIGPIPE);
        expected.thread_block()?;
        Ok(Self(signals))
    }

    /// The descriptor to watch.
    #[must_use]
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Reads all pending signals. After the first request to stop, the next one
    /// ends the process at once, whatever it is doing.
    ///
    /// # Errors
    /// Those of `read(2)`, and of [`end_on_stop_signals`].
    pub fn read(&self) -> io::Result<Asked> {
        let mut asked = Asked::default();
        while let Some(signal) = self.0.read_signal()? {
            if signal.ssi_signo == Signal::SIGHUP as u32 {
                asked.reopen = true;
            } else {
                asked.stop = true;
            }
        }
        if asked.stop {
            end_on_stop_signals()?;
        }
        Ok(asked)
    }

    /// Passes on what signals ask for, until they or a failed loop stop us.
    ///
    /// # Errors
    /// Those of [`Signals::read`], `poll(2)` and `write(2)`.
    pub fn pass_on(self, orders: &Orders) -> io::Result<()> {
        loop {
            let mut list = [
                PollFd::new(orders.stop.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.fd(), PollFlags::POLLIN),
            ];
            match poll(&mut list, PollTimeout::NONE) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
            let failed = list.first().and_then(PollFd::any) == Some(true);
            let asked = self.read()?;
            if asked.reopen {
                orders.reopen.write(1)?;
            }
            if failed || asked.stop {
                orders.stop.write(1)?;
                return Ok(());
            }
        }
    }
}

/// What the pending signals ask for.
#[derive(Default)]
pub struct Asked {
    /// SIGHUP: to open the root again.
    pub reopen: bool,
    /// SIGTERM or SIGINT: to shut down.
    pub stop: bool,
}

/// Orders for the loops: an eventfd each, watched by all of them, read by none.
/// Every write makes an edge in each loop.
pub struct Orders {
    /// Begin the graceful shutdown.
    pub stop: EventFd,
    /// Open the root again.
    pub reopen: EventFd,
}

impl Orders {
    /// Two orders that have not been given.
    ///
    /// # Errors
    /// Those of `eventfd(2)`.
    pub fn new() -> nix::Result<Self> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let order = || EventFd::from_flags(flags);
        Ok(Self { stop: order()?, reopen: order()? })
    }
}
