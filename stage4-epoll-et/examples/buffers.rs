//! What does the kernel make of a buffer size that you set, and what do you
//! lose by setting one?
//!
//! Predict first: you set 20,000 bytes; what does `getsockopt` return? And if
//! you set 1 byte, or 1 GiB? Is that an error?
//!
//! In the second table, the buffers keep their defaults or are set to 20,000
//! bytes. `buffer grew` says whether the receive buffer became larger during a
//! transfer of 4 MiB: that is the kernel's autotuning (tcp(7), `tcp_rmem`),
//! which a fixed size turns off for good. `slow` is 500 ms or more. `unread
//! data` is how much a sender can send to a client that reads nothing: it fills
//! both buffers, and is the cost of such a client.
//!
//! Predict that too: which of the two buffers makes the transfer slow? (A
//! sender without space for a full segment has to wait for an acknowledgement,
//! which may take 40 ms.)
//!
//! Then change: 20,000 to 1 MiB. Look at `rb` and `tb` in `ss -tnm`.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use conversations::lab::options::{get, set};
use conversations::lab::sockets::{LOOPBACK, pair_by, plain_v4};
use conversations::lab::{self, Lab, Stop, Table, yes};
use nix::libc::{SO_RCVBUF, SO_SNDBUF, SOL_SOCKET};

/// Size of a transfer, in bytes.
const SIZE: usize = 4 << 20;

fn main() -> ExitCode {
    lab::run(experiment)
}

fn experiment() -> Lab {
    let mut sizes = Table::new(&["bytes set", "SO_SNDBUF", "SO_RCVBUF"]);
    for asked in [20_000, 1, 1 << 30] {
        let send = ask_for(asked, SO_SNDBUF, "net.core.wmem_max")?;
        let receive = ask_for(asked, SO_RCVBUF, "net.core.rmem_max")?;
        sizes.row(&[&asked.to_string(), &send, &receive]);
    }
    let mut tuning = Table::new(&[
        "set to 20,000",
        "buffer grew",
        "4 MiB transfer",
        "unread data",
    ]);
    for (name, of_sender, of_receiver) in [
        ("neither", false, false),
        ("sender's SO_SNDBUF", true, false),
        ("receiver's SO_RCVBUF", false, true),
        ("both", true, true),
    ] {
        let (grew, speed) = transfer(connection(of_sender, of_receiver)?)?;
        let unread = fill(connection(of_sender, of_receiver)?)?;
        tuning.row(&[name, yes(grew), speed, unread]);
    }
    println!("{sizes}\n\n{tuning}");
    Ok(())
}

/// The size that the kernel chooses, in bytes.
fn ask_for(asked: i32, option: i32, limit: &str) -> Result<String, Stop> {
    let limit = lab::sysctl(limit);
    let limit = limit.ok_or_else(|| lab::not_here("no limit can be read"))?;
    let socket = plain_v4()?;
    set(&socket, SOL_SOCKET, option, asked)?;
    Ok(match get(&socket, SOL_SOCKET, option)? {
        got if Some(got) == limit.checked_mul(2) => "twice the limit".into(),
        got if Some(got) == asked.checked_mul(2) => got.to_string(),
        got => format!("about {} KiB", got >> 10),
    })
}

/// A sender and a receiver.
type Pair = (TcpStream, TcpStream);

fn connection(of_sender: bool, of_receiver: bool) -> Result<Pair, Stop> {
    let listener = TcpListener::bind(LOOPBACK)?;
    if of_receiver {
        // Set on the listener, the size holds from the first segment on.
        set(&listener, SOL_SOCKET, SO_RCVBUF, 20_000)?;
    }
    let (sender, receiver) = pair_by(&listener)?;
    if of_sender {
        set(&sender, SOL_SOCKET, SO_SNDBUF, 20_000)?;
    }
    Ok((sender, receiver))
}

/// Whether the receive buffer grows during a transfer, and the speed.
fn transfer(pair: Pair) -> Result<(bool, &'static str), Stop> {
    let (mut sender, mut receiver) = pair;
    let before = get(&receiver, SOL_SOCKET, SO_RCVBUF)?;
    let start = Instant::now();
    let sending = thread::spawn(move || sender.write_all(&vec![0; SIZE]));
    receiver.read_exact(&mut vec![0; SIZE])?;
    let slow = start.elapsed().as_millis() >= 500;
    sending.join().map_err(|_| "a thread panicked")??;
    let grew = get(&receiver, SOL_SOCKET, SO_RCVBUF)? > before;
    Ok((grew, if slow { "slow" } else { "fast" }))
}

/// How much a sender can send while the receiver reads nothing.
fn fill((mut sender, _receiver): Pair) -> Result<&'static str, Stop> {
    sender.set_nonblocking(true)?;
    let mut taken = 0;
    loop {
        match sender.write(&[0; 4096]) {
            Ok(count) => taken += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(match taken >> 10 {
        0..256 => "less than 256 KiB",
        256..1024 => "less than 1 MiB",
        _ => "more than 1 MiB",
    })
}
