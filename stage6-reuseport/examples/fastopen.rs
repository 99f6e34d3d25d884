//! When does a request travel with the SYN, before there is a connection?
//!
//! TCP Fast Open (RFC 7413): a server that allows it gives its client a cookie,
//! and with the cookie the client's next SYN may carry data. A client uses it
//! by sending with `MSG_FASTOPEN` instead of connecting. Both the system
//! (sysctl `net.ipv4.tcp_fastopen`: 1 for clients plus 2 for servers) and the
//! listener (option `TCP_FASTOPEN`: the length of its queue) must allow it.
//!
//! Predict first: in which rows is the data in the SYN? What happens if a
//! listener sets the option and the system does not allow it? Is a cookie from
//! one port valid for another one on the same machine?
//!
//! Each row has its own network namespace, whose clients have no cookies yet,
//! so the settings of the machine don't matter and don't change. `data in SYN`
//! is `TCPI_OPT_SYN_DATA` in the `TCP_INFO` of the accepted socket.
//!
//! Then change: make the client a `connect` and a `send`. Set the sysctl to
//! 0x203, which needs no cookie. Send 2,000 bytes.

use std::fs;
use std::io::Read as _;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd as _;
use std::process::ExitCode;
use std::str::from_utf8;

use conversations::lab::info::TcpInfo;
use conversations::lab::sockets::{LOOPBACK, bind, listen, plain_v4};
use conversations::lab::{
    self, CEILING, Lab, Stop, Table, child, network, yes,
};
use conversations::lab::{options::set, works};
use nix::libc::{IPPROTO_TCP, MSG_FASTOPEN, TCP_FASTOPEN};
use nix::sys::socket::{MsgFlags, SockaddrStorage, sendto};

const SYSCTL: &str = "/proc/sys/net/ipv4/tcp_fastopen";

const REQUEST: &[u8] = b"a request";

fn main() -> ExitCode {
    lab::run(|| match child::role().as_slice() {
        [system, option] => visit(system, option == "on"),
        _ => experiment(),
    })
}

fn experiment() -> Lab {
    let mut table = Table::new(&[
        "tcp_fastopen",
        "TCP_FASTOPEN",
        "setsockopt",
        "connection",
        "data in SYN",
    ]);
    for (system, option) in [("1", "on"), ("3", "off"), ("3", "on")] {
        // Only a process with one thread may enter a new user namespace.
        let output = child::itself(&[system, option])?.output()?;
        let said = from_utf8(&output.stdout).map_err(|e| e.to_string())?;
        if let Some(why) = said.strip_prefix(lab::NOT_HERE) {
            return Err(lab::not_here(why.trim_end()));
        }
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr);
            return Err(why.as_ref().into());
        }
        for line in said.lines() {
            let words = line.split('\t');
            table.row(
                &[system, option].into_iter().chain(words).collect::<Vec<_>>(),
            );
        }
    }
    println!("{table}");
    Ok(())
}

/// Opens three connections, one after the other, in a network with this sysctl.
fn visit(system: &str, option: bool) -> Lab {
    network::alone()?;
    if fs::write(SYSCTL, system).is_err() {
        return Err(lab::not_here("tcp_fastopen can't be set"));
    }
    let (listener, said) = listener(option)?;
    let (another, _) = self::listener(option)?;
    for (name, listener) in
        [("first", &listener), ("second", &listener), ("other port", &another)]
    {
        println!("{said}\t{name}\t{}", yes(ask(listener)?));
    }
    Ok(())
}

/// A listener, and the result of `setsockopt`.
fn listener(option: bool) -> Result<(TcpListener, String), Stop> {
    let socket = plain_v4()?;
    let mut said = "-".to_owned();
    if option {
        said = works(&set(&socket, IPPROTO_TCP, TCP_FASTOPEN, 16));
    }
    bind(&socket, LOOPBACK)?;
    listen(&socket, 16)?;
    Ok((TcpListener::from(socket), said))
}

/// Connects and sends in one call. Returns whether the data was in the SYN.
fn ask(listener: &TcpListener) -> Result<bool, Stop> {
    let address: SocketAddr = listener.local_addr()?;
    let client = plain_v4()?;
    let flag = MsgFlags::from_bits_retain(MSG_FASTOPEN);
    sendto(client.as_raw_fd(), REQUEST, &SockaddrStorage::from(address), flag)?;
    let (mut server, _) = listener.accept()?;
    server.set_read_timeout(Some(CEILING))?;
    server.read_exact(&mut [0; REQUEST.len()])?;
    Ok(TcpInfo::of(&server)?.syn_data)
}
