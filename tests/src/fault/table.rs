//! Which system call can fail in which way while the server runs, and why.
//!
//! What a man page lists and the server can't meet is left out: EBADF,
//! EFAULT, EINVAL, ENOTSOCK and the like are mistakes of the program. Three
//! things are left out because the tool would lie:
//!
//! * EAGAIN from `recv`, `send` and `sendfile` where events are
//!   edge-triggered: nothing has changed in the kernel, so no event follows,
//!   though a true EAGAIN is always followed by one;
//! * `close(2)`: an error that is injected keeps the call from being made,
//!   while the kernel closes the descriptor whatever it returns (close(2));
//! * `timerfd_settime(2)`: with a clock that nobody can set and a valid time
//!   there is no error that it could return.

use crate::number::Number;

/// One system call.
pub struct Fault {
    /// Its name, or a pattern of names for strace.
    pub call: &'static str,
    /// The stages that make it while they serve.
    pub stages: (Number, Number),
    /// Errors, and when each of them comes.
    pub errors: &'static [(&'static str, &'static str)],
}

const EVER: Number = Number::EVER;

/// The first stage that makes a call.
const fn from(stage: u32) -> Number {
    Number::stage(stage)
}

const fn fault(
    call: &'static str,
    stages: (Number, Number),
    errors: &'static [(&'static str, &'static str)],
) -> Fault {
    Fault { call, stages, errors }
}

/// `poll(2)`, `epoll_wait(2)`: newer processors have only the variants that
/// take a signal mask.
pub const WAIT: Fault = fault(
    "/^(p?poll|epoll_p?wait)$",
    (from(2), EVER),
    &[("EINTR", "a signal was handled, or a debugger came")],
);

/// `accept4(2)`.
pub const ACCEPT: Fault = fault(
    "accept4",
    (from(2), EVER),
    &[
        ("ECONNABORTED", "the client gave up while it waited"),
        ("EMFILE", "this process has no descriptor left"),
        ("ENFILE", "the system has none left"),
        ("ENOBUFS", "no memory for a socket"),
        ("ENOMEM", "likewise"),
        ("EINTR", "a signal was handled"),
        ("EPROTO", "an error of the protocol"),
        ("EPERM", "a firewall forbids it"),
        ("ENETDOWN", "an error that the network had for this connection"),
        ("EHOSTUNREACH", "likewise"),
    ],
);

/// `epoll_ctl(2)`. Only `EPOLL_CTL_ADD` takes memory, and strace can't tell
/// it from the others: stage 3, which modifies, is left out.
pub const WATCH: Fault = fault(
    "epoll_ctl",
    (from(4), EVER),
    &[
        ("ENOMEM", "no memory for one more"),
        ("ENOSPC", "the user watches too many (max_user_watches)"),
    ],
);

/// `recv(2)`.
pub const RECEIVE: Fault = fault(
    "recvfrom",
    (from(2), EVER),
    &[
        ("ECONNRESET", "the client has crashed"),
        ("ETIMEDOUT", "it is gone, as keep-alive probes have found"),
        ("EHOSTUNREACH", "a router says that it is gone"),
        ("EINTR", "a signal was handled"),
        ("ENOMEM", "no memory"),
    ],
);

/// `send(2)`.
pub const SEND: Fault = fault(
    "sendto",
    (from(2), EVER),
    &[
        ("EPIPE", "the connection is over"),
        ("ECONNRESET", "the client has crashed"),
        ("ETIMEDOUT", "nothing was acknowledged for too long"),
        ("EINTR", "a signal was handled"),
        ("ENOBUFS", "no memory"),
        ("ENOMEM", "likewise"),
    ],
);

/// EAGAIN, where it is followed by an event whatever has happened.
pub const NOT_YET: Fault = fault(
    "recvfrom,sendto",
    (from(2), from(3)),
    &[("EAGAIN", "it was ready, and is no more")],
);

/// `sendfile(2)`.
pub const SEND_FILE: Fault = fault(
    "sendfile",
    (Number::step(5, 1), EVER),
    &[
        ("EIO", "the disk can't be read"),
        ("ENOMEM", "no memory"),
        ("EINVAL", "the file system can't do it"),
        ("ENOSYS", "likewise"),
        ("EPIPE", "the connection is over"),
        ("ECONNRESET", "the client has crashed"),
        ("EINTR", "a signal was handled"),
    ],
);

/// `openat2(2)`.
pub const OPEN: Fault = fault(
    "openat2",
    (from(2), EVER),
    &[
        ("EMFILE", "this process has no descriptor left"),
        ("ENFILE", "the system has none left"),
        ("ENOMEM", "no memory"),
        ("EINTR", "a signal was handled while a slow file system looked"),
        ("EAGAIN", "a rename made it unsure; or somebody has a lease"),
        ("EACCES", "it may not be read"),
        ("EIO", "the disk can't be read"),
        ("ENOENT", "it has been removed"),
    ],
);

/// `fstat(2)`, which the standard library makes as `statx(2)`.
pub const STAT: Fault = fault(
    "/^(statx|fstat|newfstatat)$",
    (from(2), EVER),
    &[("EIO", "the disk can't be read"), ("ENOMEM", "no memory")],
);

/// `pread(2)`.
pub const READ: Fault = fault(
    "pread64",
    (from(2), EVER),
    &[
        ("EIO", "the disk can't be read"),
        ("EINTR", "a signal was handled while a slow file system read"),
    ],
);

/// `shutdown(2)`.
pub const SHUT_DOWN: Fault = fault(
    "shutdown",
    (from(2), EVER),
    &[("ENOTCONN", "the client has crashed")],
);

/// `write(2)`, to the access log.
pub const WRITE: Fault = fault(
    "write",
    (from(2), EVER),
    &[
        ("EPIPE", "nobody reads it any more"),
        ("ENOSPC", "the disk is full"),
        ("EIO", "the disk can't be written, or the terminal is gone"),
        ("EINTR", "a signal was handled"),
        ("EAGAIN", "standard output was made non-blocking by its owner"),
    ],
);

/// What the server can do without: an option needs it that was not given, or it
/// only makes things better. It starts, and serves.
pub const OPTIONAL: [(&str, &str, (Number, Number)); 3] = [
    ("sched_getaffinity", "EPERM", (from(1), EVER)),
    ("prlimit64", "EPERM", (from(1), EVER)),
    ("sched_setaffinity", "EPERM", (from(1), EVER)),
];

/// While it starts, in order: what fails then ends it, with one line.
pub const STARTING: [(&str, &str, (Number, Number)); 10] = [
    ("socket", "EMFILE", (from(1), EVER)),
    ("setsockopt", "ENOBUFS", (from(1), EVER)),
    ("bind", "EADDRINUSE", (from(1), EVER)),
    ("listen", "EADDRINUSE", (from(1), EVER)),
    ("getsockname", "ENOBUFS", (from(1), EVER)),
    ("epoll_create1", "EMFILE", (from(3), EVER)),
    ("epoll_ctl", "ENOSPC", (from(3), EVER)),
    ("timerfd_create", "EMFILE", (Number::step(5, 2), EVER)),
    ("signalfd4", "EMFILE", (Number::step(5, 6), EVER)),
    ("openat2", "EACCES", (from(1), EVER)),
];
