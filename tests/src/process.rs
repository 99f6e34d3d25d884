//! A running process as /proc shows it (proc(5)), and ways to wait for it.

use std::fs::{self, DirEntry};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

/// Waits until `done`, checking every few milliseconds.
///
/// # Errors
/// `waited 20 s for …` when the ceiling is reached.
pub fn until(
    what: &str,
    ceiling: Duration,
    mut done: impl FnMut() -> bool,
) -> Result<(), String> {
    let deadline = Instant::now() + ceiling;
    while !done() {
        if Instant::now() > deadline {
            return Err(format!("waited {} s for {what}", ceiling.as_secs()));
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// How many descriptors the process has open.
///
/// # Errors
/// If the process is gone.
pub fn descriptors(pid: i32) -> Result<usize, String> {
    Ok(listing(pid, "fd")?.count())
}

/// The targets of the open descriptors: for a file its path, followed by `
/// (deleted)` if it was deleted.
///
/// # Errors
/// If the process is gone.
pub fn open_files(pid: i32) -> Result<Vec<PathBuf>, String> {
    let links = listing(pid, "fd")?.map(|entry| entry.path());
    Ok(links.filter_map(|link| fs::read_link(link).ok()).collect())
}

/// The entries of a directory in `/proc/PID`.
fn listing(
    pid: i32,
    name: &str,
) -> Result<impl Iterator<Item = DirEntry>, String> {
    let folder = format!("/proc/{pid}/{name}");
    let listing =
        fs::read_dir(&folder).map_err(|e| format!("{folder}: {e}"))?;
    Ok(listing.filter_map(Result::ok))
}

/// Waits until the process has no more descriptors open than `baseline`.
///
/// # Errors
/// With the number it still has, when the ceiling is reached.
pub fn until_descriptors(
    pid: i32,
    baseline: usize,
    ceiling: Duration,
) -> Result<(), String> {
    let back = || descriptors(pid).is_ok_and(|count| count <= baseline);
    until("the descriptors to be closed", ceiling, back).map_err(|why| {
        let now = descriptors(pid).unwrap_or(0);
        format!("{why}: {now} are open, {baseline} expected")
    })
}

/// Raises this process's soft descriptor limit to its hard limit.
///
/// # Errors
/// If the hard limit is below `wanted`.
pub fn allow_descriptors(wanted: libc::rlim_t) -> Result<(), String> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a limit that outlives both calls.
    unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        limit.rlim_cur = limit.rlim_max;
        libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
    }
    if limit.rlim_max < wanted {
        let allowed = limit.rlim_max;
        return Err(format!(
            "{wanted} descriptors needed, the limit is {allowed}"
        ));
    }
    Ok(())
}

/// Lowers how many descriptors another process may have.
///
/// # Errors
/// If the process is gone.
pub fn limit_descriptors(pid: i32, count: libc::rlim_t) -> Result<(), String> {
    let limit = libc::rlimit { rlim_cur: count, rlim_max: count };
    // SAFETY: the pointers are null, or to a limit that outlives the call.
    let done = unsafe {
        libc::prlimit(
            pid,
            libc::RLIMIT_NOFILE,
            &raw const limit,
            std::ptr::null_mut(),
        )
    };
    if done < 0 {
        return Err(format!("prlimit: {}", std::io::Error::last_os_error()));
    }
    Ok(())
}

/// Resident memory, in KiB.
///
/// # Errors
/// If the process is gone.
pub fn resident(pid: i32) -> Result<u64, String> {
    let status = read(&format!("/proc/{pid}/status"))?;
    field(&status, "VmRSS").ok_or_else(|| "no VmRSS".into())
}

/// What a process has used so far, over all its threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    /// User and system time, in clock ticks (10 ms each).
    pub ticks: u64,
    /// How often a thread gave up the processor voluntarily: each is the end of
    /// a wake-up.
    pub voluntary: u64,
    /// How often a thread was preempted.
    pub involuntary: u64,
}

/// Reads what the process has used so far.
///
/// # Errors
/// If the process is gone.
pub fn used(pid: i32) -> Result<Used, String> {
    let stat = read(&format!("/proc/{pid}/stat"))?;
    // The name, in parentheses, may contain spaces; the fields after it don't.
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
    let number = |index: usize| {
        fields.split(' ').nth(index).and_then(|f| f.parse::<u64>().ok())
    };
    // utime and stime, fields 14 and 15 of the line; `fields` begins at 3.
    let ticks = number(11).unwrap_or(0) + number(12).unwrap_or(0);
    let mut used = Used { ticks, voluntary: 0, involuntary: 0 };
    for task in tasks(pid)? {
        // A thread may end between the listing and this.
        let path = format!("/proc/{pid}/task/{task}/status");
        let Ok(status) = read(&path) else { continue };
        used.voluntary +=
            field(&status, "voluntary_ctxt_switches").unwrap_or(0);
        used.involuntary +=
            field(&status, "nonvoluntary_ctxt_switches").unwrap_or(0);
    }
    Ok(used)
}

/// The process and all its descendants.
#[must_use]
pub fn tree(pid: i32) -> Vec<i32> {
    let mut all = vec![pid];
    let mut index = 0;
    while let Some(&parent) = all.get(index) {
        for task in tasks(parent).unwrap_or_default() {
            let path = format!("/proc/{parent}/task/{task}/children");
            let children = read(&path).unwrap_or_default();
            all.extend(
                children.split(' ').filter_map(|c| c.parse::<i32>().ok()),
            );
        }
        index += 1;
    }
    all
}

/// What a process and its descendants have used so far, and their number of
/// threads.
#[must_use]
pub fn used_by_tree(pid: i32) -> (Used, usize) {
    let mut sum = Used { ticks: 0, voluntary: 0, involuntary: 0 };
    let mut threads = 0;
    for pid in tree(pid) {
        // Skip a process that has ended meanwhile.
        let Ok(used) = used(pid) else { continue };
        sum.ticks += used.ticks;
        sum.voluntary += used.voluntary;
        sum.involuntary += used.involuntary;
        threads += tasks(pid).map_or(0, |tasks| tasks.len());
    }
    (sum, threads)
}

/// The ids of its threads.
///
/// # Errors
/// If the process is gone.
pub fn tasks(pid: i32) -> Result<Vec<i32>, String> {
    let names = listing(pid, "task")?.map(|entry| entry.file_name());
    Ok(names.filter_map(|name| name.to_str()?.parse().ok()).collect())
}

/// Waits until all threads of the process sleep and stay asleep: three checks
/// in a row must find no change.
///
/// # Errors
/// When the ceiling is reached.
pub fn until_asleep(pid: i32, ceiling: Duration) -> Result<(), String> {
    let mut before = None;
    let mut equal_checks = 0;
    until("all threads to sleep", ceiling, || {
        let now = all_asleep(pid).then(|| used(pid).ok()).flatten();
        equal_checks =
            if now.is_some() && now == before { equal_checks + 1 } else { 0 };
        before = now;
        equal_checks >= 3
    })
}

/// Waits until all threads of the process have stopped: kill(2) returns before
/// SIGSTOP takes effect.
///
/// # Errors
/// When the ceiling is reached.
pub fn until_stopped(pid: i32, ceiling: Duration) -> Result<(), String> {
    until("all threads to stop", ceiling, || all_are(pid, 'T'))
}

fn all_asleep(pid: i32) -> bool {
    all_are(pid, 'S')
}

/// Whether all threads are in this state (`proc_pid_stat(5)`).
fn all_are(pid: i32, state: char) -> bool {
    let is = |task: &i32| {
        let stat = read(&format!("/proc/{pid}/task/{task}/stat"));
        stat.is_ok_and(|stat| stat.contains(&format!(") {state} ")))
    };
    tasks(pid).is_ok_and(|tasks| tasks.iter().all(is))
}

fn read(path: &str) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))
}

/// The number after `name:`.
fn field(status: &str, name: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| {
        line.strip_prefix(name)?.strip_prefix(':').map(str::trim)
    })?;
    value.split(' ').next()?.parse().ok()
}
