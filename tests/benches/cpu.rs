//! A server's CPU time in nanoseconds and memory in bytes.

use std::fs;
use std::time::{Duration, Instant};

use conversations::process;
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;

/// The process and all its descendants: a peer may have a master and a worker.
#[must_use]
pub fn family(pid: i32) -> Vec<i32> {
    let mut found = vec![pid];
    for task in process::tasks(pid).unwrap_or_default() {
        let path = format!("/proc/{pid}/task/{task}/children");
        let children = fs::read_to_string(path).unwrap_or_default();
        for child in children.split_whitespace() {
            found.extend(child.parse().map(family).unwrap_or_default());
        }
    }
    found
}

/// User and system time of the process and its descendants so far.
///
/// `/proc/PID/stat` counts in ticks of 10 ms, which is a fifth of a quick run.
/// The process's CPU clock, `clock_getcpuclockid(3)`, is the same sum in
/// nanoseconds. It includes threads that have ended and, unlike
/// `/proc/PID/schedstat`, the time of a running thread since the last tick.
///
/// # Errors
/// If the process is gone.
pub fn time(pid: i32) -> Result<Duration, String> {
    let mut sum = Duration::ZERO;
    for pid in family(pid) {
        let used = ClockId::pid_cpu_clock_id(Pid::from_raw(pid))
            .and_then(clock_gettime)
            .map_err(|error| format!("the CPU clock of {pid}: {error}"))?;
        sum += Duration::from(used);
    }
    Ok(sum)
}

/// As [`time`], once it hasn't changed for 10 ms: work that remains after the
/// last response, such as closing its connection, belongs to the run.
///
/// # Errors
/// If the process is gone.
pub fn time_at_rest(pid: i32) -> Result<Duration, String> {
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut before = time(pid)?;
    loop {
        std::thread::sleep(Duration::from_millis(10));
        let now = time(pid)?;
        if now == before {
            return Ok(now);
        }
        if Instant::now() > deadline {
            return Err("it is not idle after 10 s".into());
        }
        before = now;
    }
}

/// Memory that these processes share with no other, in bytes: the sum of
/// Private in `/proc/PID/smaps_rollup`, `proc_pid_smaps(5)`. It does not
/// include the kernel's memory for sockets and thread stacks.
///
/// # Errors
/// If the process is gone.
pub fn private_memory(pid: i32) -> Result<u64, String> {
    let mut sum = 0;
    for pid in family(pid) {
        let path = format!("/proc/{pid}/smaps_rollup");
        let text =
            fs::read_to_string(&path).map_err(|e| format!("{path}: {e}"))?;
        sum += text
            .lines()
            .filter(|line| line.starts_with("Private_"))
            .filter_map(|line| line.split_whitespace().nth(1))
            .filter_map(|number| number.parse::<u64>().ok())
            .sum::<u64>()
            * 1024;
    }
    Ok(sum)
}
