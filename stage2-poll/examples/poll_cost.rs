//! What does a wake-up cost, when most clients are idle?
//!
//! One descriptor is ready, all others are not. With `poll` and `select` the
//! whole list goes into the kernel with every call, and the kernel checks each
//! entry. With epoll the list stays in the kernel (epoll(7)).
//!
//! Predict first: by which factor does each of the three grow from 10
//! descriptors to 1,000, and to 10,000? Why can't `select` have 10,000?
//!
//! The table compares the median time of a call with that for 10 descriptors:
//! `same` is less than 4 times as long, and `over 10 times` is less than 500.
//! An `fd_set` has room for descriptors below `FD_SETSIZE`; adding a larger one
//! writes beyond its end (select(2)).
//!
//! Then change: make all of them ready. What does epoll cost then? Watch only
//! the descriptor with the highest number: what does `select` check?

use std::hint::black_box;
use std::os::fd::{AsFd as _, AsRawFd, OwnedFd};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use conversations::lab::sockets::idle;
use conversations::lab::{self, Lab, Stop, Table, median};
use conversations::process::allow_descriptors;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::{
    Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout,
};
use nix::sys::select::{FD_SETSIZE, FdSet, select};

const CALLS: usize = 101;

fn main() -> ExitCode {
    lab::run(experiment)
}

fn experiment() -> Lab {
    if allow_descriptors(10_100).is_err() {
        return Err(lab::not_here("10,100 descriptors are not allowed"));
    }
    let mut table = Table::new(&["descriptors", "poll", "select", "epoll"]);
    let mut first = None;
    for count in [10, 1000, 10_000] {
        let many = measure(count)?;
        let few = *first.get_or_insert(many);
        let mut row = vec![count.to_string()];
        row.extend(few.iter().zip(&many).map(compare));
        table.row(&row);
    }
    println!("{table}\nFD_SETSIZE is {FD_SETSIZE}");
    Ok(())
}

/// The time for one call, or `None` if there are too many descriptors.
type Time = Option<Duration>;

fn measure(count: usize) -> Result<[Time; 3], Stop> {
    let all = idle(count)?;
    let fits = usize::try_from(highest(&all)).is_ok_and(|fd| fd < FD_SETSIZE);
    let of_select = if fits { Some(with_select(&all)?) } else { None };
    Ok([Some(with_poll(&all)?), of_select, Some(with_epoll(&all)?)])
}

fn highest(all: &[OwnedFd]) -> i32 {
    all.iter().map(AsRawFd::as_raw_fd).max().unwrap_or(0)
}

fn with_poll(all: &[OwnedFd]) -> Result<Duration, Stop> {
    let wanted = PollFlags::POLLIN;
    let mut list: Vec<_> =
        all.iter().map(|fd| PollFd::new(fd.as_fd(), wanted)).collect();
    repeat(|| poll(&mut list, PollTimeout::NONE))
}

fn with_select(all: &[OwnedFd]) -> Result<Duration, Stop> {
    let mut wanted = FdSet::new();
    for fd in all {
        wanted.insert(fd.as_fd());
    }
    let end = highest(all) + 1;
    // The kernel overwrites the set with its result, so each call needs a copy.
    repeat(|| select(end, &mut wanted.clone(), None, None, None))
}

fn with_epoll(all: &[OwnedFd]) -> Result<Duration, Stop> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    for fd in all {
        epoll.add(fd, EpollEvent::new(EpollFlags::EPOLLIN, 0))?;
    }
    let mut events = [EpollEvent::empty(); 16];
    repeat(|| epoll.wait(&mut events, EpollTimeout::NONE))
}

/// The median time of a call that finds one descriptor ready.
fn repeat<T>(
    mut call: impl FnMut() -> nix::Result<T>,
) -> Result<Duration, Stop> {
    let mut times = Vec::new();
    for _ in 0..CALLS {
        let start = Instant::now();
        black_box(call()?);
        times.push(start.elapsed());
    }
    Ok(median(times))
}

fn compare((few, many): (&Time, &Time)) -> String {
    let (Some(few), Some(many)) = (few, many) else {
        return "too many".to_owned();
    };
    let word = match many.as_nanos() / few.as_nanos().max(1) {
        0..4 => "same",
        4..10 => "over 4 times",
        10..500 => "over 10 times",
        _ => "over 500 times",
    };
    word.to_owned()
}
