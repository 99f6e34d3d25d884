//! What do you save if the kernel sends a file, and why does the head of a
//! response then need special care?
//!
//! A copy loop copies each byte from the page cache into the program, and back
//! into the socket's buffer. `sendfile(2)` does neither.
//!
//! Predict first: how many system calls does each need for 32 MiB, with a
//! buffer of 32 KiB? Is sendfile faster, or does it use less CPU time? And why
//! are small files after a head slow in one row of the second table? (See the
//! lab `nagle` of stage 2.)
//!
//! `CPU time` is that of the sending thread, user and system time together;
//! `less` is less than three quarters of the copy loop's. In the second table
//! times are medians from the second response on: `slow` is 25 ms or more.
//!
//! Then change: the buffer, to 1 KiB and to 1 MiB. Where does the copy loop
//! spend its time? Send the head with `MSG_MORE` and no file: when does it
//! arrive?

use std::ffi::OsString;
use std::fs::File;
use std::io::Write as _;
use std::net::TcpStream;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::process::ExitCode;
use std::time::Duration;

use conversations::lab::sockets::{pair, swallow};
use conversations::lab::talk::talk;
use conversations::lab::task::cpu_time;
use conversations::lab::{self, Lab, Stop, Table, options};
use nix::libc::{IPPROTO_TCP, MSG_MORE, TCP_NODELAY};
use nix::sys::sendfile::sendfile64;
use nix::sys::socket::{MsgFlags, send, setsockopt, sockopt};

const LARGE: usize = 32 << 20;
const BUFFER: usize = 32 << 10;

/// A head, and the size of a small file. Together they are less than a segment
/// on the loopback.
const HEAD: [u8; 200] = [b'h'; 200];
const SMALL: usize = 20_000;

fn main() -> ExitCode {
    lab::run(experiment)
}

fn experiment() -> Lab {
    let mut file = tempfile::tempfile()?;
    file.write_all(&vec![b'x'; LARGE])?;
    let (calls, copying) = measure(&file, copy)?;
    let mut table = Table::new(&["32 MiB sent by", "system calls", "CPU time"]);
    table.row(&["copy loop", &calls, "baseline"]);
    let (calls, sending) = measure(&file, by_sendfile)?;
    let less = if sending * 4 < copying * 3 { "less" } else { "the same" };
    table.row(&["sendfile", &calls, less]);

    let mut heads =
        Table::new(&["head and small file sent by", "segments", "time"]);
    for (name, flag, nodelay) in [
        ("send, sendfile", 0, 0),
        ("send with MSG_MORE, sendfile", MSG_MORE, 0),
        ("send, sendfile, TCP_NODELAY", 0, 1),
    ] {
        let flag = MsgFlags::from_bits_retain(flag);
        let (segments, time) = talk(HEAD.len() + SMALL, |socket| {
            options::set(socket, IPPROTO_TCP, TCP_NODELAY, nodelay)?;
            send(socket.as_raw_fd(), &HEAD, flag)?;
            sendfile64(socket, &file, Some(&mut 0), SMALL).map(drop)
        })?;
        let time = if time.as_millis() < 25 { "fast" } else { "slow" };
        heads.row(&[name, &segments, time]);
    }
    println!("{table}\n\n{heads}");
    Ok(())
}

/// Sends a file. Returns the number of system calls.
type Way = fn(&TcpStream, &File) -> Result<usize, Stop>;

fn copy(socket: &TcpStream, file: &File) -> Result<usize, Stop> {
    let (mut buffer, mut calls, mut done) = (vec![0; BUFFER], 0, 0);
    while done < LARGE {
        file.read_exact_at(&mut buffer, done as u64)?;
        // The socket is blocking, so one call sends the whole buffer.
        done += send(socket.as_raw_fd(), &buffer, MsgFlags::empty())?;
        calls += 2;
    }
    Ok(calls)
}

fn by_sendfile(socket: &TcpStream, file: &File) -> Result<usize, Stop> {
    let (mut offset, mut calls, mut done) = (0, 0, 0);
    while done < LARGE {
        done += sendfile64(socket, file, Some(&mut offset), LARGE - done)?;
        calls += 1;
    }
    Ok(calls)
}

/// The number of calls, and the minimum CPU time of nine runs: other programs
/// on the machine can only add to it.
fn measure(file: &File, way: Way) -> Result<(String, Duration), Stop> {
    let (mut calls, mut least) = (0, Duration::MAX);
    for _ in 0..9 {
        let (reader, socket) = pair()?;
        // BBR, the default on some systems, paces with a timer, whose
        // interrupts would count too.
        setsockopt(&socket, sockopt::TcpCongestion, &OsString::from("reno"))?;
        let reading = swallow(reader);
        let before = cpu_time()?;
        calls = way(&socket, file)?;
        least = least.min(cpu_time()?.saturating_sub(before));
        drop(socket);
        reading.join().map_err(|_| "a thread panicked")??;
    }
    Ok((calls.to_string(), least))
}
