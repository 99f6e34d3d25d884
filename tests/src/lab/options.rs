//! Socket options by number, as the kernel defines them.

use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;

/// An option, and a value that differs from its default.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its name in the man pages.
    pub name: &'static str,
    /// `SOL_SOCKET` or a protocol number.
    pub level: i32,
    /// The option's number.
    pub option: i32,
    /// The value to set.
    pub value: Value,
}

/// The type and value of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// An integer; for a flag 0 or 1.
    Number(i32),
    /// A `struct linger`: on, with this many seconds.
    Linger(i32),
    /// A `struct timeval`: this many seconds.
    Time(i64),
}

impl Setting {
    /// Sets it.
    ///
    /// # Errors
    /// As setsockopt(2).
    pub fn set(&self, socket: &impl AsFd) -> nix::Result<()> {
        match self.value {
            Value::Number(number) => put(socket, self, &[number]),
            Value::Linger(seconds) => put(socket, self, &[1, seconds]),
            Value::Time(seconds) => put(socket, self, &[seconds, 0]),
        }
    }

    /// The socket's current value.
    ///
    /// # Errors
    /// As getsockopt(2).
    pub fn get(&self, socket: &impl AsFd) -> nix::Result<Value> {
        let (level, option) = (self.level, self.option);
        Ok(match self.value {
            Value::Number(_) => {
                let mut number = [0_i32];
                fetch(socket, level, option, &mut number)?;
                Value::Number(number[0])
            }
            Value::Linger(_) => {
                let mut linger = [0_i32; 2];
                fetch(socket, level, option, &mut linger)?;
                Value::Linger(linger[0] * linger[1])
            }
            Value::Time(_) => {
                let mut time = [0_i64; 2];
                fetch(socket, level, option, &mut time)?;
                Value::Time(time[0])
            }
        })
    }

    /// Whether the socket has this value, or twice as much: the kernel doubles
    /// the size of a buffer.
    ///
    /// # Errors
    /// As getsockopt(2).
    pub fn is_on(&self, socket: &impl AsFd) -> nix::Result<bool> {
        let value = self.get(socket)?;
        Ok(match (value, self.value) {
            (Value::Number(has), Value::Number(asked)) => {
                has == asked || has == 2 * asked
            }
            _ => value == self.value,
        })
    }
}

impl Value {
    /// The value as text.
    #[must_use]
    pub fn word(self) -> String {
        match self {
            Self::Number(0) | Self::Linger(0) | Self::Time(0) => "0".into(),
            Self::Number(number) => number.to_string(),
            Self::Linger(seconds) => format!("{seconds} s"),
            Self::Time(seconds) => format!("{seconds} s"),
        }
    }
}

/// An option that takes an integer.
#[must_use]
pub const fn number(
    name: &'static str,
    level: i32,
    option: i32,
    value: i32,
) -> Setting {
    Setting { name, level, option, value: Value::Number(value) }
}

/// The options that a server can set, with values that differ from the
/// defaults, in the order of the book's reference.
pub const ALL: [Setting; 15] = {
    use libc::{IPPROTO_TCP as TCP, SOL_SOCKET as SOL};
    [
        number("SO_REUSEADDR", SOL, libc::SO_REUSEADDR, 1),
        number("SO_REUSEPORT", SOL, libc::SO_REUSEPORT, 1),
        number("IPV6_V6ONLY", libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 1),
        number("SO_RCVBUF", SOL, libc::SO_RCVBUF, 20_000),
        number("SO_SNDBUF", SOL, libc::SO_SNDBUF, 20_000),
        several("SO_RCVTIMEO", libc::SO_RCVTIMEO, Value::Time(7)),
        several("SO_SNDTIMEO", libc::SO_SNDTIMEO, Value::Time(7)),
        several("SO_LINGER", libc::SO_LINGER, Value::Linger(7)),
        number("SO_KEEPALIVE", SOL, libc::SO_KEEPALIVE, 1),
        number("TCP_KEEPIDLE", TCP, libc::TCP_KEEPIDLE, 60),
        number("TCP_KEEPINTVL", TCP, libc::TCP_KEEPINTVL, 10),
        number("TCP_KEEPCNT", TCP, libc::TCP_KEEPCNT, 6),
        number("TCP_NODELAY", TCP, libc::TCP_NODELAY, 1),
        number("TCP_DEFER_ACCEPT", TCP, libc::TCP_DEFER_ACCEPT, 5),
        number("TCP_USER_TIMEOUT", TCP, libc::TCP_USER_TIMEOUT, 30_000),
    ]
};

const fn several(name: &'static str, option: i32, value: Value) -> Setting {
    Setting { name, level: libc::SOL_SOCKET, option, value }
}

/// Sets an option that takes an integer.
///
/// # Errors
/// As setsockopt(2).
pub fn set(
    socket: &impl AsFd,
    level: i32,
    option: i32,
    value: i32,
) -> nix::Result<()> {
    number("", level, option, value).set(socket)
}

/// Reads an option that is an integer.
///
/// # Errors
/// As getsockopt(2).
pub fn get(socket: &impl AsFd, level: i32, option: i32) -> nix::Result<i32> {
    let mut value = [0_i32];
    fetch(socket, level, option, &mut value)?;
    Ok(value[0])
}

/// How many bytes wait to be received.
///
/// # Errors
/// As ioctl(2), `FIONREAD` (tcp(7)).
pub fn unread(socket: &impl AsFd) -> nix::Result<usize> {
    let mut count: libc::c_int = 0;
    // SAFETY: the kernel writes an integer, and `count` is one.
    let done = unsafe {
        let fd = socket.as_fd().as_raw_fd();
        libc::ioctl(fd, libc::FIONREAD, &raw mut count)
    };
    Errno::result(done)?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// setsockopt(2) from an array of integers.
fn put<T: Copy, const N: usize>(
    socket: &impl AsFd,
    setting: &Setting,
    from: &[T; N],
) -> nix::Result<()> {
    // SAFETY: the kernel reads `length` bytes, which `from` has.
    let done = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            setting.level,
            setting.option,
            from.as_ptr().cast(),
            length::<[T; N]>(),
        )
    };
    Errno::result(done).map(drop)
}

/// getsockopt(2) into an array of integers.
///
/// # Errors
/// As getsockopt(2).
pub fn fetch<T: Copy, const N: usize>(
    socket: &impl AsFd,
    level: i32,
    option: i32,
    into: &mut [T; N],
) -> nix::Result<()> {
    let mut length = length::<[T; N]>();
    // SAFETY: the kernel writes at most `length` bytes into `into`, whose
    // elements are integers: any bytes are a value.
    let done = unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            level,
            option,
            into.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    Errno::result(done).map(drop)
}

fn length<T>() -> libc::socklen_t {
    libc::socklen_t::try_from(size_of::<T>()).unwrap_or(0)
}
