//! Socket options as text, in the order of the book's reference pages.

use std::fmt::Write as _;
use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, OwnedFd};

/// How to print a value.
#[derive(Clone, Copy)]
enum Kind {
    /// `on` or `off`.
    Flag,
    /// A number, or `default` if a fresh socket has the same one.
    Number(&'static str),
    /// A `struct timeval`: `none`, or seconds.
    Time,
    /// A `struct linger`: `off`, or seconds.
    Linger,
    /// A buffer size, with the bit of `SO_BUF_LOCK` that says it was set.
    Buffer(i32),
}

struct Row {
    name: &'static str,
    level: i32,
    option: i32,
    kind: Kind,
}

const fn row(name: &'static str, level: i32, option: i32, kind: Kind) -> Row {
    Row { name, level, option, kind }
}

/// Which buffers setsockopt(2) has fixed (socket(7), since Linux 5.14).
const SO_BUF_LOCK: i32 = 72;

const ROWS: [Row; 17] = {
    use Kind::{Buffer, Flag, Linger, Number, Time};
    use libc::{IPPROTO_IPV6 as V6, IPPROTO_TCP as TCP, SOL_SOCKET as SOL};
    [
        row("SO_ACCEPTCONN", SOL, libc::SO_ACCEPTCONN, Flag),
        row("SO_REUSEADDR", SOL, libc::SO_REUSEADDR, Flag),
        row("SO_REUSEPORT", SOL, libc::SO_REUSEPORT, Flag),
        row("IPV6_V6ONLY", V6, libc::IPV6_V6ONLY, Flag),
        row("SO_RCVBUF", SOL, libc::SO_RCVBUF, Buffer(2)),
        row("SO_SNDBUF", SOL, libc::SO_SNDBUF, Buffer(1)),
        row("SO_RCVTIMEO", SOL, libc::SO_RCVTIMEO, Time),
        row("SO_SNDTIMEO", SOL, libc::SO_SNDTIMEO, Time),
        row("SO_LINGER", SOL, libc::SO_LINGER, Linger),
        row("SO_KEEPALIVE", SOL, libc::SO_KEEPALIVE, Flag),
        row("TCP_KEEPIDLE", TCP, libc::TCP_KEEPIDLE, Number(" s")),
        row("TCP_KEEPINTVL", TCP, libc::TCP_KEEPINTVL, Number(" s")),
        row("TCP_KEEPCNT", TCP, libc::TCP_KEEPCNT, Number("")),
        row("TCP_NODELAY", TCP, libc::TCP_NODELAY, Flag),
        row("TCP_DEFER_ACCEPT", TCP, libc::TCP_DEFER_ACCEPT, Number(" s")),
        row("TCP_USER_TIMEOUT", TCP, libc::TCP_USER_TIMEOUT, Number(" ms")),
        row("TCP_FASTOPEN", TCP, libc::TCP_FASTOPEN, Number("")),
    ]
};

/// Each option's name and its value on `socket`; `fresh` is a socket with the
/// system's defaults.
///
/// # Errors
/// As getsockopt(2).
pub fn read(
    socket: &OwnedFd,
    fresh: &OwnedFd,
) -> io::Result<Vec<(&'static str, String)>> {
    ROWS.iter().map(|row| Ok((row.name, value(row, socket, fresh)?))).collect()
}

fn value(row: &Row, socket: &OwnedFd, fresh: &OwnedFd) -> io::Result<String> {
    let mut text = String::new();
    match row.kind {
        Kind::Flag => match get(socket, row)? {
            Some([0, ..]) => text.push_str("off"),
            Some(_) => text.push_str("on"),
            None => text.push('-'),
        },
        Kind::Number(unit) => match (get(socket, row)?, get(fresh, row)?) {
            (now, default) if now == default => text.push_str("default"),
            (Some([number, ..]), _) => {
                let _ = write!(text, "{number}{unit}");
            }
            (None, _) => text.push('-'),
        },
        Kind::Time => {
            let mut value = [0_i64; 2];
            fetch(socket, row.level, row.option, &mut value)?;
            match value {
                [0, 0] => text.push_str("none"),
                [seconds, 0] => {
                    let _ = write!(text, "{seconds} s");
                }
                [seconds, micros] => {
                    let _ = write!(text, "{seconds}.{micros:06} s");
                }
            }
        }
        Kind::Linger => match get(socket, row)? {
            Some([0, _]) | None => text.push_str("off"),
            Some([_, seconds]) => {
                let _ = write!(text, "on, {seconds} s");
            }
        },
        Kind::Buffer(bit) => {
            let mut locked = [0_i32; 2];
            fetch(socket, libc::SOL_SOCKET, SO_BUF_LOCK, &mut locked)?;
            let bytes = get(socket, row)?.map_or(0, |[bytes, _]| bytes);
            if locked[0] & bit == 0 {
                text.push_str("autotuned");
            } else {
                let _ = write!(text, "{bytes} bytes");
            }
        }
    }
    Ok(text)
}

/// Up to two integers; `None` if the socket has no such option.
fn get(socket: &OwnedFd, row: &Row) -> io::Result<Option<[i32; 2]>> {
    let mut value = [0_i32; 2];
    match fetch(socket, row.level, row.option, &mut value) {
        Ok(_) => Ok(Some(value)),
        Err(error) if unknown(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// `IPV6_V6ONLY` on an IPv4 socket: EOPNOTSUPP or ENOPROTOOPT.
fn unknown(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    code == Some(libc::EOPNOTSUPP) || code == Some(libc::ENOPROTOOPT)
}

/// getsockopt(2) into an array of integers; returns the length in bytes.
fn fetch<T: Copy, const N: usize>(
    socket: &OwnedFd,
    level: i32,
    option: i32,
    into: &mut [T; N],
) -> io::Result<libc::socklen_t> {
    let mut length =
        libc::socklen_t::try_from(size_of::<[T; N]>()).unwrap_or(0);
    // SAFETY: the kernel writes at most `length` bytes into `into`, whose
    // elements are integers: any bytes are a value.
    let done = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            level,
            option,
            into.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(length) }
}

/// A listener's actual backlog. For listeners `TCP_INFO` reports it in the
/// field that otherwise counts selective acknowledgements.
///
/// # Errors
/// As getsockopt(2).
pub fn backlog(listener: &OwnedFd) -> io::Result<u32> {
    // tcpi_sacked: the sixth 32-bit field after 8 one-byte fields.
    let mut info = [0_u32; 60];
    fetch(listener, libc::IPPROTO_TCP, libc::TCP_INFO, &mut info)?;
    Ok(info[2 + 5])
}
