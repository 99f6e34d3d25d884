//! One timer of the kernel's for the deadlines of all connections.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{
    ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags,
};
use nix::time::clock_gettime;
use slotmap::{DefaultKey, SecondaryMap};

/// The time since the machine was started. `CLOCK_MONOTONIC` is the clock for
/// deadlines: nobody can set it. It is read without entering the kernel.
#[must_use]
pub fn now() -> Duration {
    // It can't fail: the clock is there and so is the room for its answer.
    clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC)
        .map_or(Duration::ZERO, Duration::from)
}

/// A min-heap with one entry a connection, and a timerfd that is armed for the
/// earliest of them.
///
/// Deadlines move all the time, and nearly always to later: each request moves
/// one. An entry is left where it is when that happens. It comes due too early,
/// then the connection is asked for its deadline once more, and the entry is
/// put in again. So a request costs a comparison, no system call, and no
/// change of the heap.
pub struct Timers {
    timer: TimerFd,
    /// What the kernel has been told and has not yet told us.
    armed: Option<Duration>,
    /// No entry is later than the two at twice its place and one and two more.
    heap: Vec<(Duration, DefaultKey)>,
    /// Where in the heap each connection's entry is.
    places: SecondaryMap<DefaultKey, usize>,
}

impl Timers {
    /// No deadlines yet.
    ///
    /// # Errors
    /// What `timerfd_create(2)` says.
    pub fn new() -> io::Result<Self> {
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
        let (heap, places) = (Vec::new(), SecondaryMap::new());
        Ok(Self { timer, armed: None, heap, places })
    }

    /// The descriptor that becomes readable when the time has come. Watched
    /// edge-triggered it tells so once, and nobody has to read from it.
    #[must_use]
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.timer.as_fd()
    }

    /// Notes that the descriptor has become readable.
    pub fn fired(&mut self) {
        self.armed = None;
    }

    /// Has `key` come due at `deadline` or earlier.
    pub fn schedule(&mut self, key: DefaultKey, deadline: Duration) {
        let place = match self.places.get(key) {
            Some(&place) if self.at(place) <= Some(deadline) => return,
            Some(&place) => place,
            None => {
                self.heap.push((deadline, key));
                self.heap.len() - 1
            }
        };
        if let Some(entry) = self.heap.get_mut(place) {
            entry.0 = deadline;
        }
        self.rise(place);
    }

    /// Forgets `key`.
    pub fn cancel(&mut self, key: DefaultKey) {
        let Some(place) = self.places.remove(key) else { return };
        self.heap.swap_remove(place);
        // The last entry has taken the place, perhaps from another branch.
        if place < self.heap.len() {
            self.rise(place);
            self.sink(place);
        }
    }

    /// Forgets everybody, and gives back the memory.
    pub fn clear(&mut self) {
        (self.heap, self.places) = (Vec::new(), SecondaryMap::new());
    }

    /// Takes out the earliest entry if its time has come.
    pub fn pop_due(&mut self, now: Duration) -> Option<DefaultKey> {
        let &(_, key) = self.heap.first().filter(|(at, _)| *at <= now)?;
        self.cancel(key);
        Some(key)
    }

    /// Tells the kernel the earliest deadline, with `other` that of the
    /// server itself. To be called before the thread sleeps. An alarm that is
    /// set for earlier is left: it is cheaper to be woken once in vain than to
    /// set it anew whenever the earliest connection goes.
    ///
    /// # Errors
    /// What `timerfd_settime(2)` says.
    pub fn arm(&mut self, other: Option<Duration>) -> nix::Result<()> {
        let first = self.heap.first().map(|(at, _)| *at);
        let Some(at) = first.into_iter().chain(other).min() else {
            return Ok(());
        };
        if self.armed.is_some_and(|armed| armed <= at) {
            return Ok(());
        }
        // Absolute: what passes between our look at the clock and the call
        // makes it no later. Zero would switch the alarm off.
        let at = at.max(Duration::from_nanos(1));
        let expiration = Expiration::OneShot(TimeSpec::from_duration(at));
        self.timer.set(expiration, TimerSetTimeFlags::TFD_TIMER_ABSTIME)?;
        self.armed = Some(at);
        Ok(())
    }

    fn at(&self, place: usize) -> Option<Duration> {
        self.heap.get(place).map(|(at, _)| *at)
    }

    /// Moves an entry up until none above it is later.
    fn rise(&mut self, mut place: usize) {
        while place > 0 {
            let above = (place - 1) / 2;
            if self.at(above) <= self.at(place) {
                break;
            }
            self.heap.swap(above, place);
            self.note_place(place);
            place = above;
        }
        self.note_place(place);
    }

    /// Moves an entry down until none below it is earlier.
    fn sink(&mut self, mut place: usize) {
        loop {
            let (left, right) = (2 * place + 1, 2 * place + 2);
            let Some(earliest) = [left, right]
                .into_iter()
                .filter(|&below| self.at(below).is_some())
                .min_by_key(|&below| self.at(below))
                .filter(|&below| self.at(below) < self.at(place))
            else {
                break;
            };
            self.heap.swap(earliest, place);
            self.note_place(place);
            place = earliest;
        }
        self.note_place(place);
    }

    fn note_place(&mut self, place: usize) {
        if let Some(&(_, key)) = self.heap.get(place) {
            self.places.insert(key, place);
        }
    }
}
