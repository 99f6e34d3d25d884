//! The output of `strace -f -o`, reduced to the calls of one exchange.

use std::collections::HashMap;

/// Calls about memory, locks and signals: they have nothing to do with sockets,
/// and when they happen depends on the allocator and the scheduler.
const NOISE: [&str; 13] = [
    "brk",
    "clock_gettime",
    "exit",
    "futex",
    "getrandom",
    "madvise",
    "mmap",
    "mprotect",
    "munmap",
    "rt_sigaction",
    "rt_sigprocmask",
    "sched_yield",
    "sigaltstack",
];

/// Calls in which a thread waits for work.
const WAITS: [&str; 7] = [
    "poll",
    "ppoll",
    "epoll_wait",
    "epoll_pwait",
    "epoll_pwait2",
    "accept",
    "accept4",
];

/// What each descriptor is.
type Roles = HashMap<u32, &'static str>;

/// The roles of descriptors that are opened during the exchange.
const OPENED: [&str; 2] = ["file", "connection"];

/// One call: complete, or still blocked (no result yet).
#[derive(Debug, Clone)]
struct Call {
    name: String,
    text: String,
    done: bool,
}

/// The calls of the thread that served the first connection, from the wait that
/// the connection ended to the next wait after its close; one per line, masked.
/// `None` while the exchange isn't over.
#[must_use]
pub fn exchange(trace: &str) -> Option<String> {
    let threads = threads(trace);
    let accepts = |call: &Call| {
        call.name.starts_with("accept") && call.done && number(call).is_some()
    };
    let calls = threads.values().find(|calls| calls.iter().any(accepts))?;
    let accepted = calls.iter().position(accepts)?;
    let connection = number(calls.get(accepted)?)?;
    let before = accepted.checked_sub(1).filter(|&position| {
        calls.get(position).is_some_and(|c| WAITS.contains(&c.name.as_str()))
    });
    let first = before.unwrap_or(accepted);
    let close = format!("close({connection})");
    let closed = first
        + calls[first..].iter().position(|c| c.text.starts_with(&close))?;
    let asleep = closed
        + calls[closed..].iter().position(|call| {
            !call.done && WAITS.contains(&call.name.as_str())
        })?;
    let calls = &calls[first..=asleep];
    // The first pass learns what was open before: `poll` uses the listener's
    // number before `accept` tells what it is. The second pass makes the text.
    let mut roles = Roles::new();
    let _ = lines(calls, &mut roles);
    roles.retain(|_, role| !OPENED.contains(role));
    Some(lines(calls, &mut roles).join("\n"))
}

fn lines(calls: &[Call], roles: &mut Roles) -> Vec<String> {
    calls.iter().map(|call| mask(call, roles)).collect()
}

/// The calls of each thread; the two halves of a call that strace split
/// (`<unfinished ...>`, `<... resumed>`) are joined.
fn threads(trace: &str) -> HashMap<&str, Vec<Call>> {
    let mut threads: HashMap<&str, Vec<Call>> = HashMap::new();
    for line in trace.lines() {
        let Some((pid, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        let calls = threads.entry(pid).or_default();
        if let Some(resumed) = rest.strip_prefix("<... ") {
            let (_, tail) = resumed.split_once("resumed>").unwrap_or(("", ""));
            if let Some(call) = calls.last_mut().filter(|call| !call.done) {
                join(&mut call.text, tail);
                call.done = true;
            }
            continue;
        }
        let Some((name, _)) = rest.split_once('(') else { continue };
        // The standard library checks each descriptor before it closes it,
        // in a debug build only.
        let check = name == "fcntl" && rest.contains("F_GETFD");
        let done = !rest.ends_with("<unfinished ...>") && rest.contains(" = ");
        let text = rest.trim_end_matches("<unfinished ...>").trim_end();
        let text = text.to_owned();
        calls.push(Call { name: name.to_owned(), text, done });
        if NOISE.contains(&name) || check {
            // Kept until it is complete, for its second half.
            if let Some(call) = calls.last_mut() {
                call.name.clear();
            }
        }
    }
    for calls in threads.values_mut() {
        calls.retain(|call| !call.name.is_empty());
    }
    threads
}

fn join(start: &mut String, rest: &str) {
    if start.ends_with(',') {
        start.push(' ');
    }
    start.push_str(rest.trim_start());
}

/// The result, if it is a number and no error.
fn number(call: &Call) -> Option<u32> {
    let (_, result) = call.text.rsplit_once(" = ")?;
    result.split_whitespace().next()?.parse().ok()
}

/// Replaces descriptors by their roles, and values that differ from run to run
/// by a name.
fn mask(call: &Call, roles: &mut Roles) -> String {
    let (arguments, result) =
        call.text.rsplit_once(" = ").unwrap_or((&call.text, ""));
    let arguments = arguments.trim_end();
    let name = call.name.as_str();
    let inner = arguments.split_once('(').map_or("", |(_, rest)| rest);
    let digits = inner.find(|c: char| !c.is_ascii_digit());
    let (fd, rest) = inner.split_at(digits.unwrap_or(inner.len()));
    let mut text = format!("{name}(");
    match fd.parse().ok() {
        Some(fd) => {
            let role = roles.entry(fd).or_insert_with(|| role(fd, name));
            text.push_str(role);
        }
        None => text.push_str(fd),
    }
    let rest = name_descriptors(&mask_values(rest), roles);
    text.push_str(&rest);
    if !call.done {
        return text + " ...  (asleep)";
    }
    let is_new = name.starts_with("accept") || name.starts_with("open");
    match number(call).filter(|_| is_new) {
        Some(fd) => {
            let opened =
                if name.starts_with("open") { "file" } else { "connection" };
            roles.insert(fd, opened);
            format!("{text} = {opened}")
        }
        None => format!("{text} = {}", name_descriptors(result, roles)),
    }
}

/// The role of a descriptor that was open before the exchange.
fn role(fd: u32, call: &str) -> &'static str {
    match call {
        _ if fd == 1 => "stdout",
        "accept" | "accept4" => "listener",
        "openat" | "openat2" => "root",
        _ if call.starts_with("epoll") => "epoll",
        _ if call.starts_with("timerfd") => "timer",
        _ => "other",
    }
}

/// Replaces descriptors in other arguments: `fd=4` for poll(2), and a lone
/// number after a space for `epoll_ctl(2)`.
fn name_descriptors(text: &str, roles: &Roles) -> String {
    let words = text.split_inclusive(' ').map(|word| {
        let number = word.trim_end_matches([',', ' ']);
        let (start, number) = match number.rsplit_once("fd=") {
            Some((start, number)) => (format!("{start}fd="), number),
            None if text.contains("EPOLL_CTL") => (String::new(), number),
            None => return word.to_owned(),
        };
        let role = number.parse().ok().and_then(|fd| roles.get(&fd));
        let end = &word[start.len() + number.len()..];
        role.map_or(word.to_owned(), |role| format!("{start}{role}{end}"))
    });
    words.collect()
}

/// Masks ports, the date in the log line, and memory addresses.
fn mask_values(text: &str) -> String {
    let text = replace(text, "htons(", ")", "port");
    let text = replace(&text, " - - [", "\"", "date");
    let text = replace(&text, "it_value={", "}", "deadline");
    pointer(&text)
}

/// A memory address becomes `buffer`.
fn pointer(text: &str) -> String {
    let mut words = text.split_inclusive([',', ' ', ')']);
    words.by_ref().fold(String::new(), |mut text, word| {
        let (value, end) = word.split_at(word.len() - 1);
        match value.strip_prefix("0x").filter(|hex| hex.len() >= 8) {
            Some(_) => {
                text.push_str("buffer");
                text + end
            }
            None => text + word,
        }
    })
}

/// Replaces the text between `start` and `end` with `name`.
fn replace(text: &str, start: &str, end: &str, name: &str) -> String {
    let Some((before, rest)) = text.split_once(start) else {
        return text.to_owned();
    };
    let Some(position) = rest.find(end) else { return text.to_owned() };
    format!("{before}{start}{name}{}", &rest[position..])
}
