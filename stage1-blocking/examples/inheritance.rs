//! Which options does an accepted socket inherit from its listener?
//!
//! POSIX leaves this open. On Linux a connection begins as a copy of the
//! listener, which the kernel makes when the handshake completes. `accept` only
//! adds a descriptor, whose flags start with their defaults.
//!
//! Predict first: which rows say no? What does the kernel do with a buffer size
//! of 20,000 bytes?
//!
//! `default` is the value of a new socket. The last two rows are not options,
//! but flags of the descriptor and of the open file description (fcntl(2)).
//!
//! Then change: set the options after the client has connected and before you
//! accept it (the lab `set_too_late` does that). Pass the flags to `accept4`.

use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::process::ExitCode;

use conversations::lab::options::{ALL, Value};
use conversations::lab::sockets::{
    accept, address, bind, connect, listen, plain,
};
use conversations::lab::{self, Lab, Table, yes};
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::socket::AddressFamily;

type Flag = fn(&OwnedFd) -> nix::Result<bool>;

fn main() -> ExitCode {
    lab::run(experiment)
}

fn experiment() -> Lab {
    let listener = plain(AddressFamily::Inet6)?;
    for setting in &ALL {
        setting.set(&listener)?;
    }
    let Ok(()) = bind(&listener, "[::1]:0".parse().map_err(|_| "address")?)
    else {
        return Err(lab::not_here("there is no IPv6 on the loopback"));
    };
    listen(&listener, 8)?;
    // TCP_DEFER_ACCEPT holds the connection back until its first byte.
    let mut client = connect(address(&listener)?)?;
    client.write_all(b"x")?;
    let connection = accept(&listener)?;
    fcntl(&listener, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;

    let fresh = plain(AddressFamily::Inet6)?;
    let mut table =
        Table::new(&["option", "listener", "accepted", "inherited"]);
    for setting in &ALL {
        let default = setting.get(&fresh)?;
        let word = |value: Value| {
            if value == default { "default".into() } else { value.word() }
        };
        let has = word(setting.get(&listener)?);
        let had = word(setting.get(&connection)?);
        let inherited = yes(setting.is_on(&connection)?);
        table.row(&[setting.name, &has, &had, inherited]);
    }
    let flags: [(&str, Flag); 2] =
        [("O_NONBLOCK", status), ("FD_CLOEXEC", of_descriptor)];
    for (name, flag) in flags {
        let (has, had) = (flag(&listener)?, flag(&connection)?);
        table.row(&[name, word(has), word(had), yes(had)]);
    }
    println!("{table}");
    Ok(())
}

fn word(on: bool) -> &'static str {
    if on { "1" } else { "default" }
}

/// Whether the open file description is non-blocking.
fn status(socket: &OwnedFd) -> nix::Result<bool> {
    let flags = fcntl(socket, FcntlArg::F_GETFL)?;
    Ok(OFlag::from_bits_truncate(flags).contains(OFlag::O_NONBLOCK))
}

/// Whether `exec` closes the descriptor.
fn of_descriptor(socket: &OwnedFd) -> nix::Result<bool> {
    let flags = fcntl(socket, FcntlArg::F_GETFD)?;
    Ok(FdFlag::from_bits_truncate(flags).contains(FdFlag::FD_CLOEXEC))
}
