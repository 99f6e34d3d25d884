//! How late in a socket's life can you set each option?
//!
//! The moments: on the listener before `bind` (`fresh`), after `bind`, after
//! `listen`, and while a client waits in its accept queue; then on the accepted
//! connection. `works` means that the option had its effect on `bind`, or that
//! the connection has it. `ignored` means that `setsockopt` returned 0 and had
//! no effect. `bind fails` means that `bind` had already failed for want of the
//! option.
//!
//! Predict first: which options fail if you set them too late, and which are
//! ignored silently? A connection inherits the options of its listener, but at
//! which moment: when the client connects, or when you accept it?
//!
//! A second listener on the same port tests `SO_REUSEPORT`. Once a client has
//! connected, its connection also holds the port, and does not have the option.
//!
//! Then change: let two clients wait, and set an option between them. Which of
//! their connections has it?

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::time::Duration;

use conversations::lab::ends::leave_in_time_wait;
use conversations::lab::options::{ALL, Setting};
use conversations::lab::sockets::{
    LOOPBACK, address, bind, connect, listen, plain, plain_v4, readable,
};
use conversations::lab::{self, Lab, Table};
use nix::sys::socket::{AddressFamily, setsockopt, sockopt};

/// Long enough for a complete connection to appear in the accept queue.
const PATIENCE: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    lab::run(experiment)
}

fn experiment() -> Lab {
    if TcpListener::bind("[::1]:0").is_err() {
        return Err(lab::not_here("IPV6_V6ONLY needs IPv6 on the loopback"));
    }
    let mut table = Table::new(&[
        "option",
        "fresh",
        "bound",
        "listening",
        "queued",
        "accepted",
    ]);
    for setting in &ALL {
        let mut row = vec![setting.name.to_owned()];
        for moment in 0..5 {
            row.push(live(setting, moment)?);
        }
        table.row(&row);
    }
    println!("{table}");
    Ok(())
}

/// The life of a listener and a connection, with the option set at one
/// `moment`. Returns the outcome.
fn live(setting: &Setting, moment: usize) -> Result<String, lab::Stop> {
    let mut said = Ok(());
    let mut set = |now: usize, socket: &OwnedFd| {
        if now == moment {
            said = setting.set(socket);
        }
    };
    let v6 = setting.name == "IPV6_V6ONLY";
    let family = if v6 { AddressFamily::Inet6 } else { AddressFamily::Inet };
    let listener = plain(family)?;
    set(0, &listener);
    let place = match setting.name {
        "SO_REUSEADDR" => leave_in_time_wait()?,
        "IPV6_V6ONLY" => SocketAddr::from(([0_u16; 8], 0)),
        _ => LOOPBACK,
    };
    if bind(&listener, place).is_err() {
        return Ok("bind fails".to_owned());
    }
    set(1, &listener);
    listen(&listener, 8)?;
    set(2, &listener);
    let port = address(&listener)?.port();
    let host = if v6 { "[::1]" } else { "127.0.0.1" };
    let target = format!("{host}:{port}").parse().map_err(|_| "no address")?;
    let client = connect(target)?;
    set(3, &listener);
    // A deferred connection becomes ready with its first byte.
    let deferred = !readable(&listener, PATIENCE)?;
    (&client).write_all(b"x")?;
    let listener = TcpListener::from(listener);
    let connection = OwnedFd::from(listener.accept()?.0);
    set(4, &connection);
    if let Err(error) = said {
        return Ok(format!("{error:?}"));
    }
    let worked = match setting.name {
        "SO_REUSEADDR" => true,
        "SO_REUSEPORT" => shares(&listener)?,
        "IPV6_V6ONLY" => connect(([127, 0, 0, 1], port).into()).is_err(),
        "TCP_DEFER_ACCEPT" => deferred,
        _ => setting.is_on(&connection)?,
    };
    Ok(if worked { "works" } else { "ignored" }.to_owned())
}

/// Whether a second listener, which sets the option in time, can share the
/// port.
fn shares(listener: &TcpListener) -> Result<bool, lab::Stop> {
    let second = plain_v4()?;
    setsockopt(&second, sockopt::ReusePort, &true)?;
    let bound = bind(&second, listener.local_addr()?);
    Ok(bound.is_ok() && listen(&second, 8).is_ok())
}
