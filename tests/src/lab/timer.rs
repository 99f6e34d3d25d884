//! Timers that are descriptors (`timerfd_create(2)`), watched by epoll.

use std::time::{Duration, Instant};

use nix::sys::epoll::{
    Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout,
};
use nix::sys::timerfd::{
    ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags,
};

/// The time between two deadlines, and by which a request moves one.
pub const STEP: Duration = Duration::from_millis(20);

/// A deadline for each of `count` connections, with ten distinct values.
#[must_use]
pub fn deadlines(count: usize) -> Vec<Instant> {
    let first = Instant::now() + 10 * STEP;
    (0..10).flat_map(|n| vec![first + n * STEP; count / 10]).collect()
}

/// An unarmed timer, registered level-triggered with `number` as its data.
///
/// # Errors
/// EMFILE.
pub fn watched(epoll: &Epoll, number: usize) -> nix::Result<TimerFd> {
    let timer =
        TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_CLOEXEC)?;
    epoll.add(&timer, EpollEvent::new(EpollFlags::EPOLLIN, number as u64))?;
    Ok(timer)
}

/// Makes it fire at `deadline`. An earlier setting is replaced, and an earlier
/// expiration cleared.
///
/// # Errors
/// As `timerfd_settime(2)`.
pub fn arm(timer: &TimerFd, deadline: Instant) -> nix::Result<()> {
    let left = deadline.saturating_duration_since(Instant::now());
    // 0 would disarm it.
    let left = left.max(Duration::from_nanos(1));
    timer.set(Expiration::OneShot(left.into()), TimerSetTimeFlags::empty())
}

/// Sleeps in epoll until a deadline: with a timer if there is one, otherwise
/// with the call's own timeout, in whole milliseconds. Rounded down, that ends
/// early. Returns the number of system calls.
///
/// # Errors
/// As `epoll_wait(2)`.
pub fn sleep(
    epoll: &Epoll,
    timer: Option<&TimerFd>,
    deadline: Instant,
    round_up: bool,
) -> nix::Result<usize> {
    let mut events = [EpollEvent::empty()];
    if let Some(timer) = timer {
        arm(timer, deadline)?;
        epoll.wait(&mut events, EpollTimeout::NONE)?;
        return Ok(2);
    }
    let mut left = deadline.saturating_duration_since(Instant::now());
    if round_up {
        left += Duration::from_nanos(999_999);
    }
    let timeout = EpollTimeout::try_from(left).unwrap_or(EpollTimeout::MAX);
    epoll.wait(&mut events, timeout)?;
    Ok(1)
}

/// An epoll instance.
///
/// # Errors
/// EMFILE.
pub fn new_epoll() -> nix::Result<Epoll> {
    Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)
}
