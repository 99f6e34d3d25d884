//! A deadline lies between two milliseconds, and the time-out of `epoll_wait`
//! is in whole ones. How often does a loop wake up for it?
//!
//! Predict first: what does a loop do that computes the time left and rounds it
//! down, and what does one that rounds it up? Does a timerfd, which takes
//! nanoseconds, have to choose?
//!
//! The lab waits for a deadline 1.9 ms away, fifty times. The table has the
//! largest number of wake-ups for one deadline; `many` is more than 10. (On a
//! busy machine a sleep may end so late that rounding down makes no difference.
//! The other two never wake too early.)
//!
//! Then change: 1.9 ms to 20.9 ms. How much CPU time does each kind take? Use
//! `epoll_pwait2`, whose time-out is in nanoseconds.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use conversations::lab::timer::{new_epoll, sleep, watched};
use conversations::lab::{self, Lab, Stop, Table};

fn main() -> ExitCode {
    lab::run(experiment)
}

fn experiment() -> Lab {
    let mut table = Table::new(&["loop sleeps with", "wake-ups per deadline"]);
    table.row(&["time-out, rounded down", wakeups(false, false)?]);
    table.row(&["time-out, rounded up", wakeups(false, true)?]);
    table.row(&["timerfd", wakeups(true, false)?]);
    println!("{table}");
    Ok(())
}

/// The largest number of wake-ups for one deadline.
fn wakeups(own_timer: bool, round_up: bool) -> Result<&'static str, Stop> {
    let epoll = new_epoll()?;
    let timer = own_timer.then(|| watched(&epoll, 0)).transpose()?;
    let mut counts = [0; 50];
    for count in &mut counts {
        let deadline = Instant::now() + Duration::from_micros(1900);
        while Instant::now() < deadline {
            sleep(&epoll, timer.as_ref(), deadline, round_up)?;
            *count += 1;
        }
    }
    Ok(match counts.into_iter().max().unwrap_or(0) {
        1 => "1",
        2..=10 => "a few",
        _ => "many",
    })
}
