//! A server starts a program, for instance to compress a log, and exits. Why is
//! its port still busy?
//!
//! A child gets copies of its parent's descriptors, and `exec` keeps those that
//! are not marked close-on-exec. A socket lives as long as one descriptor for
//! it is open, in any process.
//!
//! Predict first: the parent has closed its listener, and the child still runs.
//! Can a new server bind to the port? Is a client refused, does it connect, is
//! it served? And after the child has exited?
//!
//! Then change: `SO_REUSEADDR` on both listeners. Does it help? Mark the
//! descriptor with `fcntl` after `socket`: what may another thread do in
//! between? Look for the child's copy with `ss -tlnp`.

use std::fs;
use std::io::Read as _;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::process::{Child, ExitCode, Stdio};

use conversations::lab::child::{itself, role};
use conversations::lab::sockets::{
    LOOPBACK, address, bind, connect, listen, plain_v4,
};
use conversations::lab::{self, Lab, Stop, Table, name, works, yes};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};

fn main() -> ExitCode {
    lab::run(experiment)
}

fn experiment() -> Lab {
    if !role().is_empty() {
        // The child does nothing until its standard input ends.
        std::io::stdin().read_to_end(&mut Vec::new())?;
        return Ok(());
    }
    let mut table = Table::new(&[
        "FD_CLOEXEC",
        "inherited",
        "bind, child runs",
        "connect",
        "bind, child done",
    ]);
    for close_on_exec in [false, true] {
        restart_beside_child(close_on_exec, &mut table)?;
    }
    println!("{table}");
    Ok(())
}

fn restart_beside_child(close_on_exec: bool, table: &mut Table) -> Lab {
    let listener = plain_v4()?;
    if !close_on_exec {
        // `plain_v4` passes SOCK_CLOEXEC; without it, the flag is not set.
        fcntl(&listener, FcntlArg::F_SETFD(FdFlag::empty()))?;
    }
    bind(&listener, LOOPBACK)?;
    listen(&listener, 8)?;
    let place = address(&listener)?;
    let mut child = itself(&["child"])?.stdin(Stdio::piped()).spawn()?;
    let inherited = has(&child, &listener)?;
    drop(listener);
    let during = works(&bind(&plain_v4()?, place));
    let client = match connect(place) {
        Ok(_) => "works".to_owned(),
        Err(error) => name(&error),
    };
    drop(child.stdin.take());
    child.wait()?;
    let after = works(&bind(&plain_v4()?, place));
    let flag = if close_on_exec { "set" } else { "not set" };
    table.row(&[flag, yes(inherited), &during, &client, &after]);
    Ok(())
}

/// Whether a child has a descriptor for this socket.
fn has(child: &Child, socket: &OwnedFd) -> Result<bool, Stop> {
    let ours = format!("/proc/self/fd/{}", socket.as_raw_fd());
    let ours = fs::read_link(ours)?;
    for entry in fs::read_dir(format!("/proc/{}/fd", child.id()))? {
        // A descriptor that has just been closed can't be read: skip it.
        if fs::read_link(entry?.path()).is_ok_and(|to| to == ours) {
            return Ok(true);
        }
    }
    Ok(false)
}
