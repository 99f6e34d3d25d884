//! Which clients does a server on `[::]` serve, and what does `IPV6_V6ONLY`
//! change?
//!
//! Predict first: with 0, can a client of 127.0.0.1 connect, and which address
//! does the server see, and log? Can another socket listen on 0.0.0.0 and the
//! same port, with 0, with 1?
//!
//! The column `0.0.0.0` has the result of `bind` for a second socket on that
//! address. If it works, that socket listens too, and `listener` says which of
//! the two gets the client.
//!
//! Then change: the order, 0.0.0.0 first. `SO_REUSEADDR` on both. Don't set the
//! option at all: which rows do you get, and what is `net.ipv6.bindv6only`?

use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::time::Duration;

use conversations::lab::sockets::{
    address, bind, connect, listen, plain, plain_v4, readable,
};
use conversations::lab::{self, Lab, Table, name, works};
use nix::sys::socket::{AddressFamily, setsockopt, sockopt};

fn main() -> ExitCode {
    lab::run(experiment)
}

fn experiment() -> Lab {
    if TcpListener::bind("[::1]:0").is_err() {
        return Err(lab::not_here("there is no IPv6 on the loopback"));
    }
    let mut table = Table::new(&[
        "V6ONLY",
        "0.0.0.0",
        "connect to",
        "result",
        "listener",
        "client address",
    ]);
    for (v6_only, beside) in [(false, true), (true, false), (true, true)] {
        serve(v6_only, beside, &mut table)?;
    }
    println!("{table}");
    Ok(())
}

/// Listens on `[::]`, and with `beside` also on 0.0.0.0, and connects a client
/// of each family.
fn serve(v6_only: bool, beside: bool, table: &mut Table) -> Lab {
    let port = free_port()?;
    let six = plain(AddressFamily::Inet6)?;
    setsockopt(&six, sockopt::Ipv6V6Only, &v6_only)?;
    bind(&six, SocketAddr::from(([0_u16; 8], port)))?;
    listen(&six, 8)?;
    let four = plain_v4()?;
    let mut second = "-".to_owned();
    if beside {
        let bound = bind(&four, SocketAddr::from(([0_u8; 4], port)));
        second = works(&bound);
        if bound.is_ok() {
            listen(&four, 8)?;
        }
    }
    let (six, four) = (TcpListener::from(six), TcpListener::from(four));
    for host in ["[::1]", "127.0.0.1"] {
        let to = format!("{host}:{port}").parse().map_err(|_| "no address")?;
        let (said, by, seen) = match connect(to) {
            Ok(_client) => {
                let (by, seen) = taken(&six, &four)?;
                ("works".to_owned(), by, seen)
            }
            Err(error) => (name(&error), "-", "-".to_owned()),
        };
        let option = i32::from(v6_only).to_string();
        table.row(&[&option, &second, host, &said, by, &seen]);
    }
    Ok(())
}

/// Which listener got the client, and the client's address there.
fn taken(
    six: &TcpListener,
    four: &TcpListener,
) -> Result<(&'static str, String), lab::Stop> {
    if readable(six, Duration::ZERO)? {
        return Ok(("[::]", six.accept()?.1.ip().to_string()));
    }
    Ok(("0.0.0.0", four.accept()?.1.ip().to_string()))
}

/// A port that is free in both families.
fn free_port() -> Result<u16, lab::Stop> {
    for _ in 0..50 {
        let (six, four) = (plain(AddressFamily::Inet6)?, plain_v4()?);
        setsockopt(&six, sockopt::Ipv6V6Only, &true)?;
        bind(&six, SocketAddr::from(([0_u16; 8], 0)))?;
        let port = address(&six)?.port();
        if bind(&four, SocketAddr::from(([0_u8; 4], port))).is_ok() {
            return Ok(port);
        }
    }
    Err("no port is free".into())
}
