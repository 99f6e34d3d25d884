//! One kernel timer for the deadlines of all connections.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{
    ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags,
};
use nix::time::clock_gettime;
use slotmap::{DefaultKey, SecondaryMap};

/// The time since boot. `CLOCK_MONOTONIC` is the clock for deadlines, because
/// nobody can set it. Reading it does not enter the kernel.
#[must_use]
pub fn now() -> Duration {
    // This cannot fail: the clock exists, and so does the buffer.
    clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC)
        .map_or(Duration::ZERO, Duration::from)
}

/// The deadlines of all connections in order, and a timerfd that is armed for
/// the earliest of them.
///
/// Deadlines move all the time, and nearly always to later: each request moves
/// one. We leave the entry as it is when that happens. It then comes due early,
/// we ask the connection for its deadline, and enter that. So a request costs a
/// comparison, no system call, and no change of the set.
pub struct Timers {
    timer: TimerFd,
    /// What the timerfd is set to, until it fires.
    armed: Option<Duration>,
    /// One entry per connection, the earliest first.
    queue: BTreeSet<(Duration, DefaultKey)>,
    /// The time of each connection's entry.
    entries: SecondaryMap<DefaultKey, Duration>,
}

impl Timers {
    /// No deadlines yet.
    ///
    /// # Errors
    /// Those of `timerfd_create(2)`.
    pub fn new() -> io::Result<Self> {
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
        let (queue, entries) = (BTreeSet::new(), SecondaryMap::new());
        Ok(Self { timer, armed: None, queue, entries })
    }

    /// The descriptor that becomes readable when the time has come. Watched
    /// edge-triggered it is reported once, and nobody has to read from it.
    #[must_use]
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.timer.as_fd()
    }

    /// Records that the descriptor has become readable.
    pub fn fired(&mut self) {
        self.armed = None;
    }

    /// Makes `key` come due at `deadline` or earlier.
    pub fn schedule(&mut self, key: DefaultKey, deadline: Duration) {
        if self.entries.get(key).is_none_or(|&at| deadline < at) {
            self.cancel(key);
            self.queue.insert((deadline, key));
            self.entries.insert(key, deadline);
        }
    }

    /// Removes the entry of `key`.
    pub fn cancel(&mut self, key: DefaultKey) {
        if let Some(at) = self.entries.remove(key) {
            self.queue.remove(&(at, key));
        }
    }

    /// Removes all entries, and frees their memory.
    pub fn clear(&mut self) {
        (self.queue, self.entries) = (BTreeSet::new(), SecondaryMap::new());
    }

    /// Removes the earliest entry if it is due, and returns whose it is.
    pub fn pop_due(&mut self, now: Duration) -> Option<DefaultKey> {
        let &(_, key) = self.queue.first().filter(|(at, _)| *at <= now)?;
        self.cancel(key);
        Some(key)
    }

    /// Arms the timerfd for the earliest deadline, or for `other`, the server's
    /// own. Called before the thread sleeps. If it is armed for an earlier time
    /// already, it stays so: one spurious wake-up costs less than a system call
    /// whenever the earliest connection closes.
    ///
    /// # Errors
    /// Those of `timerfd_settime(2)`.
    pub fn arm(&mut self, other: Option<Duration>) -> nix::Result<()> {
        let first = self.queue.first().map(|(at, _)| *at);
        let Some(at) = first.into_iter().chain(other).min() else {
            return Ok(());
        };
        if self.armed.is_some_and(|armed| armed <= at) {
            return Ok(());
        }
        // An absolute time: a delay between reading the clock and this call
        // does not postpone it. Zero would disarm the timer.
        let at = at.max(Duration::from_nanos(1));
        let expiration = Expiration::OneShot(TimeSpec::from_duration(at));
        self.timer.set(expiration, TimerSetTimeFlags::TFD_TIMER_ABSTIME)?;
        self.armed = Some(at);
        Ok(())
    }
}
