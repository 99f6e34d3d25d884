//! Which errors each system call can return while the server runs, and when.
//!
//! Errors that a correct program never gets are left out: EBADF, EFAULT,
//! EINVAL, ENOTSOCK and the like. Three more are left out because injecting
//! them would not behave like the real error:
//!
//! * EAGAIN from `recv`, `send` and `sendfile` with edge-triggered events:
//!   nothing has changed in the kernel, so no event follows, while a real
//!   EAGAIN is always followed by one;
//! * `close(2)`: an injected error prevents the call, while the kernel closes
//!   the descriptor whatever it returns (close(2));
//! * `timerfd_settime(2)`: with a monotonic clock and a valid time it can't
//!   fail.

use crate::number::Number;

/// One system call.
pub struct Fault {
    /// Its name, or a pattern of names for strace.
    pub call: &'static str,
    /// The stages that call it while they serve.
    pub stages: (Number, Number),
    /// Its errors, and when each occurs.
    pub errors: &'static [(&'static str, &'static str)],
}

const ALL_LATER: Number = Number::EVER;

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

/// `poll(2)`, `epoll_wait(2)`: newer architectures have only the variants with
/// a signal mask.
pub const WAIT: Fault = fault(
    "/^(p?poll|epoll_p?wait)$",
    (from(2), ALL_LATER),
    &[("EINTR", "a signal was handled, or a debugger attached")],
);

/// `accept4(2)`.
pub const ACCEPT: Fault = fault(
    "accept4",
    (from(2), ALL_LATER),
    &[
        ("ECONNABORTED", "the client reset the connection while it was queued"),
        ("EMFILE", "this process has no descriptor left"),
        ("ENFILE", "the system has no descriptor left"),
        ("ENOBUFS", "no memory for a socket"),
        ("ENOMEM", "likewise"),
        ("EINTR", "a signal was handled"),
        ("EPROTO", "a protocol error"),
        ("EPERM", "a firewall forbids it"),
        ("ENETDOWN", "a pending network error of this connection"),
        ("EHOSTUNREACH", "likewise"),
    ],
);

/// `epoll_ctl(2)`. Only `EPOLL_CTL_ADD` allocates memory, and strace can't
/// inject into that operation alone: stage 3, which modifies, is left out.
pub const WATCH: Fault = fault(
    "epoll_ctl",
    (from(4), ALL_LATER),
    &[
        ("ENOMEM", "no memory for another entry"),
        ("ENOSPC", "the user watches too many (max_user_watches)"),
    ],
);

/// `recv(2)`.
pub const RECEIVE: Fault = fault(
    "recvfrom",
    (from(2), ALL_LATER),
    &[
        ("ECONNRESET", "the client has crashed"),
        ("ETIMEDOUT", "keep-alive probes got no reply"),
        ("EHOSTUNREACH", "a router reports the client unreachable"),
        ("EINTR", "a signal was handled"),
        ("ENOMEM", "no memory"),
    ],
);

/// `send(2)`.
pub const SEND: Fault = fault(
    "sendto",
    (from(2), ALL_LATER),
    &[
        ("EPIPE", "the client has closed the connection"),
        ("ECONNRESET", "the client has crashed"),
        ("ETIMEDOUT", "nothing was acknowledged for too long"),
        ("EINTR", "a signal was handled"),
        ("ENOBUFS", "no memory"),
        ("ENOMEM", "likewise"),
    ],
);

/// EAGAIN, where level-triggered events follow in any case.
pub const EAGAIN: Fault = fault(
    "recvfrom,sendto",
    (from(2), from(3)),
    &[("EAGAIN", "the socket is no longer ready")],
);

/// `sendfile(2)`.
pub const SEND_FILE: Fault = fault(
    "sendfile",
    (Number::step(5, 1), ALL_LATER),
    &[
        ("EIO", "the disk can't be read"),
        ("ENOMEM", "no memory"),
        ("EINVAL", "the file system doesn't support it"),
        ("ENOSYS", "likewise"),
        ("EPIPE", "the client has closed the connection"),
        ("ECONNRESET", "the client has crashed"),
        ("EINTR", "a signal was handled"),
    ],
);

/// `openat2(2)`.
pub const OPEN: Fault = fault(
    "openat2",
    (from(2), ALL_LATER),
    &[
        ("EMFILE", "this process has no descriptor left"),
        ("ENFILE", "the system has no descriptor left"),
        ("ENOMEM", "no memory"),
        ("EINTR", "a signal was handled during a slow lookup"),
        ("EAGAIN", "a concurrent rename; or another process holds a lease"),
        ("EACCES", "no read permission"),
        ("EIO", "the disk can't be read"),
        ("ENOENT", "the file has been removed"),
    ],
);

/// `fstat(2)`, which the standard library makes as `statx(2)`.
pub const STAT: Fault = fault(
    "/^(statx|fstat|newfstatat)$",
    (from(2), ALL_LATER),
    &[("EIO", "the disk can't be read"), ("ENOMEM", "no memory")],
);

/// `pread(2)`.
pub const READ: Fault = fault(
    "pread64",
    (from(2), ALL_LATER),
    &[
        ("EIO", "the disk can't be read"),
        ("EINTR", "a signal was handled during a slow read"),
    ],
);

/// `shutdown(2)`.
pub const SHUT_DOWN: Fault = fault(
    "shutdown",
    (from(2), ALL_LATER),
    &[("ENOTCONN", "the client has crashed")],
);

/// `write(2)`, to the access log.
pub const WRITE: Fault = fault(
    "write",
    (from(2), ALL_LATER),
    &[
        ("EPIPE", "the reader has closed the pipe"),
        ("ENOSPC", "the disk is full"),
        ("EIO", "the disk can't be written, or the terminal is gone"),
        ("EINTR", "a signal was handled"),
        ("EAGAIN", "another process made stdout non-blocking"),
    ],
);

/// Calls that the server can do without: only an option needs them, or they
/// only improve something. It starts and serves.
pub const OPTIONAL: [(&str, &str, (Number, Number)); 3] = [
    ("sched_getaffinity", "EPERM", (from(1), ALL_LATER)),
    ("prlimit64", "EPERM", (from(1), ALL_LATER)),
    ("sched_setaffinity", "EPERM", (from(1), ALL_LATER)),
];

/// Calls at start, in order: each failure ends the server, with one line.
pub const STARTING: [(&str, &str, (Number, Number)); 10] = [
    ("socket", "EMFILE", (from(1), ALL_LATER)),
    ("setsockopt", "ENOBUFS", (from(1), ALL_LATER)),
    ("bind", "EADDRINUSE", (from(1), ALL_LATER)),
    ("listen", "EADDRINUSE", (from(1), ALL_LATER)),
    ("getsockname", "ENOBUFS", (from(1), ALL_LATER)),
    ("epoll_create1", "EMFILE", (from(3), ALL_LATER)),
    ("epoll_ctl", "ENOSPC", (from(3), ALL_LATER)),
    ("timerfd_create", "EMFILE", (Number::step(5, 2), ALL_LATER)),
    ("signalfd4", "EMFILE", (Number::step(5, 6), ALL_LATER)),
    ("openat2", "EACCES", (from(1), ALL_LATER)),
];
