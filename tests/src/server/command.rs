//! Prepares the server's process before `exec`.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

/// These two capabilities let root read files of mode 0000.
const CAP_DAC_OVERRIDE: libc::c_ulong = 1;
const CAP_DAC_READ_SEARCH: libc::c_ulong = 2;

/// Prepares `command` to run a server under test: it dies with the thread that
/// starts it (`starter.rs`), may not read files whose mode forbids it, leads
/// its own process group, and its output can be read. `descriptors` limits the
/// number of open descriptors.
///
/// # Panics
/// Never. The closure that it adds runs in the child and makes only system
/// calls that are safe after fork(2).
pub fn prepare(
    command: &mut Command,
    descriptors: Option<libc::rlim_t>,
) -> &mut Command {
    command
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    // SAFETY: the closure makes system calls only; it does not allocate
    // and takes no lock.
    unsafe {
        command.pre_exec(move || {
            descriptors.map_or(Ok(()), limit_descriptors)?;
            close_inherited();
            restore_signals();
            before_exec()
        })
    }
}

/// Sets both limits, so that the server can't raise its own again.
fn limit_descriptors(count: libc::rlim_t) -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: count, rlim_max: count };
    // SAFETY: the pointer is to a limit that outlives the call.
    let done =
        unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Makes all descriptors but the standard streams close at `exec`. Terminals
/// and CI runners leave theirs open for their children, and a test of the
/// limit on descriptors would depend on how many. Where the kernel is older
/// than 5.11 they stay.
fn close_inherited() {
    const FIRST: libc::c_uint = 3;
    // SAFETY: no pointers are passed.
    unsafe {
        libc::syscall(
            libc::SYS_close_range,
            FIRST,
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        );
    }
}

/// Gives signals their default action. A shell without job control starts its
/// background jobs with SIGINT ignored, nohup(1) does so with SIGHUP, and a
/// child inherits that (signal(7)).
fn restore_signals() {
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
        // SAFETY: SIG_DFL is no function of ours.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

fn before_exec() -> io::Result<()> {
    let unused: libc::c_ulong = 0;
    // A capability dropped from the bounding set is gone after `exec`, for root
    // too. An ordinary user may not call this, and needn't.
    for capability in [CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH] {
        // SAFETY: no pointers are passed.
        let _ = unsafe {
            libc::prctl(
                libc::PR_CAPBSET_DROP,
                capability,
                unused,
                unused,
                unused,
            )
        };
    }
    // SAFETY: no pointers are passed.
    let done = unsafe {
        libc::prctl(
            libc::PR_SET_PDEATHSIG,
            libc::SIGKILL as libc::c_ulong,
            unused,
            unused,
            unused,
        )
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Splits a command line into words as a shell does: at spaces, except within
/// single or double quotes or after a backslash. Nothing is expanded.
///
/// # Errors
/// If a quote is not closed.
pub fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, ' ' | '\t' | '\n') => words.extend(word.take()),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (Some(open), c) if c == open => quote = None,
            (None | Some('"'), '\\') => {
                word.get_or_insert_default().extend(chars.next());
            }
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    match quote {
        Some(open) => Err(format!("unclosed quote {open} in: {line}")),
        None => Ok(words),
    }
}
