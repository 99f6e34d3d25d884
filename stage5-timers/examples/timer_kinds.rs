//! Ten thousand connections have a deadline each. What does it cost to set a
//! deadline, to move it, and to let it expire?
//!
//! Three kinds: a timerfd(2) for each connection, watched by epoll; a heap of
//! deadlines and one timerfd, armed for the earliest; a heap, and the time-out
//! of `epoll_wait` itself. A request moves its connection's deadline to later.
//! The heaps do that lazily: the entry stays, expires, and is inserted again.
//!
//! Predict first: how many system calls does each need? Which two cost the
//! same?
//!
//! The calls are system calls per deadline, rounded: `0` is less than one per
//! two deadlines. `CPU to move` is the CPU time for ten moves of each deadline,
//! compared with the cheapest kind.
//!
//! Then change: watch the timerfds edge-triggered, so that you don't have to
//! read them. Move the entries in the heap at once.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use conversations::lab::task::cpu_time;
use conversations::lab::timer::{self, STEP, arm, deadlines, watched};
use conversations::lab::{self, Lab, Stop, Table};
use conversations::process::allow_descriptors;
use nix::sys::epoll::{EpollEvent, EpollTimeout};

const COUNT: usize = 10_000;

/// System calls to set, to move once and to expire; the CPU time of ten moves.
type Cost = ([usize; 3], Duration);

fn main() -> ExitCode {
    lab::run(experiment)
}

fn experiment() -> Lab {
    if allow_descriptors(10_100).is_err() {
        return Err(lab::not_here("10,100 descriptors are not allowed"));
    }
    let kinds = [
        ("one timerfd each", each()?),
        ("heap, timerfd", heap(true)?),
        ("heap, time-out", heap(false)?),
    ];
    let least = kinds.iter().map(|kind| kind.1.1).min().unwrap_or_default();
    let mut table = Table::new(&[
        "deadlines",
        "calls to set",
        "to move",
        "to expire",
        "CPU to move",
    ]);
    for (name, (calls, moving)) in kinds {
        let [set, moved, due] =
            calls.map(|calls| ((calls + COUNT / 2) / COUNT).to_string());
        let far = moving > 10 * least;
        let moving = if far { "over 10 times" } else { "same" };
        table.row(&[name, &set, &moved, &due, moving]);
    }
    println!("{table}");
    Ok(())
}

fn each() -> Result<Cost, Stop> {
    let (epoll, mut all) = (timer::new_epoll()?, Vec::new());
    let mut calls = [0; 3];
    for deadline in deadlines(COUNT) {
        let timer = watched(&epoll, all.len())?;
        arm(&timer, deadline)?;
        all.push((timer, deadline));
        // timerfd_create, epoll_ctl, timerfd_settime.
        calls[0] += 3;
    }
    let before = cpu_time()?;
    for _ in 0..10 {
        for (timer, deadline) in &mut all {
            *deadline += STEP;
            arm(timer, *deadline)?;
        }
    }
    calls[1] = all.len();
    let moving = cpu_time()?.saturating_sub(before);
    let (mut events, mut due) = ([EpollEvent::empty(); 512], 0);
    while due < COUNT {
        let count = epoll.wait(&mut events, EpollTimeout::NONE)?;
        for event in events.iter().take(count) {
            let number = usize::try_from(event.data()).unwrap_or(0);
            // A timerfd stays ready until it is read.
            all.get(number).map_or(Ok(()), |(timer, _)| timer.wait())?;
        }
        due += count;
        calls[2] += 1 + count;
    }
    Ok((calls, moving))
}

fn heap(own_timer: bool) -> Result<Cost, Stop> {
    let (epoll, mut deadlines) = (timer::new_epoll()?, deadlines(COUNT));
    let timer = own_timer.then(|| watched(&epoll, 0)).transpose()?;
    let entries = deadlines.iter().enumerate();
    let mut heap: BinaryHeap<_> =
        entries.map(|(n, &d)| Reverse((d, n))).collect();
    let before = cpu_time()?;
    for _ in 0..10 {
        for deadline in &mut deadlines {
            *deadline += STEP;
        }
    }
    let moving = cpu_time()?.saturating_sub(before);
    let mut calls = [if own_timer { 2 } else { 0 }, 0, 0];
    while let Some(&Reverse((entry, number))) = heap.peek() {
        let now = Instant::now();
        if entry > now {
            calls[2] += timer::sleep(&epoll, timer.as_ref(), entry, true)?;
            continue;
        }
        heap.pop();
        let deadline = deadlines.get(number).copied();
        heap.extend(
            deadline.filter(|d| *d > now).map(|d| Reverse((d, number))),
        );
    }
    Ok((calls, moving))
}
