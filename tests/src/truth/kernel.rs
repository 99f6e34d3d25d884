//! Every option of a listener and of an accepted socket, read back from the
//! kernel while the server runs.

use std::fmt::Write as _;
use std::io;
use std::os::fd::OwnedFd;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use super::sockets::Borrowed;
use super::{options, sockets};
use crate::number::Number;
use crate::server::Server;
use crate::stage::{self, Case, Outcome, Stage};
use crate::wire::Client;

const PROMISE: &str = "The kernel has every option that socket.rs sets, on the \
    listeners and on an\naccepted connection.";

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    vec![Case {
        name: "truth::kernel",
        promise: PROMISE,
        from: Number::stage(1),
        until: Number::EVER,
        any_server: false,
        run: kernel,
    }]
}

fn kernel(stage: &Stage) -> Outcome {
    if !has_ipv6() {
        return stage::skip("truth::kernel", "IPv6 on the loopback");
    }
    let v4 = stage.start(&["--quiet"])?;
    let v6 = stage.start(&["--quiet", "--listen", "[::]:0"])?;
    // After a response, all options of the connection are set.
    let mut client = v4.connect()?;
    client.ask(b"GET /hello.txt HTTP/1.1\r\nHost: kernel\r\n\r\n")?;
    let columns = match columns(&v4, &v6, &client) {
        Ok(columns) => columns,
        // Docker's default seccomp profile allows it only with CAP_SYS_PTRACE;
        // kernels before 5.6 do not have it.
        Err(error)
            if matches!(
                error.raw_os_error(),
                Some(libc::EPERM | libc::ENOSYS)
            ) =>
        {
            return stage::skip(
                "truth::kernel",
                "permission to use pidfd_getfd(2)",
            );
        }
        Err(error) => {
            return Err(format!("cannot read the options: {error}").into());
        }
    };
    super::check(stage, "kernel", PROMISE, &lay_out(&columns))
}

fn has_ipv6() -> bool {
    std::net::TcpListener::bind("[::1]:0").is_ok()
}

struct Column {
    title: &'static str,
    rows: Vec<(&'static str, String)>,
}

fn columns(
    v4: &Server,
    v6: &Server,
    client: &Client,
) -> io::Result<[Column; 3]> {
    let local = client.local_addr()?;
    let accepted = |socket: &Borrowed| socket.is_connected_to(local);
    Ok([
        column("127.0.0.1", v4, |s| s.listens_on(v4.address()))?,
        column("[::]", v6, |s| s.listens_on(v6.address()))?,
        column("accepted", v4, accepted)?,
    ])
}

/// The options of the socket of `server` that matches `is_it`.
fn column(
    title: &'static str,
    server: &Server,
    is_it: impl Fn(&Borrowed) -> bool,
) -> io::Result<Column> {
    let pid = server.pid();
    let sockets = sockets::all(pid)?;
    let socket = sockets.iter().find(|socket| is_it(socket));
    let socket =
        socket.ok_or_else(|| io::Error::other(format!("no socket {title}")))?;
    let yes = |on: bool| if on { "on" } else { "off" }.to_owned();
    let flags = socket.flags(pid)?;
    let mut rows = vec![
        ("FD_CLOEXEC", yes(flags & libc::O_CLOEXEC != 0)),
        ("O_NONBLOCK", yes(flags & libc::O_NONBLOCK != 0)),
    ];
    rows.extend(options::read(&socket.fd, &fresh()?)?);
    let is_listener = rows.contains(&("SO_ACCEPTCONN", "on".into()));
    let backlog = if is_listener {
        options::backlog(&socket.fd)?.to_string()
    } else {
        "-".into()
    };
    rows.push(("backlog", backlog));
    Ok(Column { title, rows })
}

/// A socket with the system's defaults.
fn fresh() -> nix::Result<OwnedFd> {
    let (family, flags) = (AddressFamily::Inet, SockFlag::SOCK_CLOEXEC);
    socket(family, SockType::Stream, flags, None)
}

fn lay_out(columns: &[Column]) -> String {
    let mut text = format!("{:18}", "option");
    for column in columns {
        let _ = write!(text, "{:15}", column.title);
    }
    let names = columns.first().map_or(&[][..], |column| &column.rows[..]);
    for (index, (name, _)) in names.iter().enumerate() {
        let _ = write!(text, "\n{name:18}");
        for column in columns {
            let value = column.rows.get(index).map_or("", |row| &row.1);
            let _ = write!(text, "{value:15}");
        }
    }
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}
