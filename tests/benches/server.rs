//! A running server: started for one measurement, killed after it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use conversations::process;
use conversations::server::command::{prepare, words};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::contender::{Contender, Kind};
use crate::pin::{self, Side};
use crate::site::Site;

/// A scenario's requirements for a server.
#[derive(Debug, Clone)]
pub struct Needs {
    /// Maximum number of concurrent connections. Stage 1 needs a thread for
    /// each.
    pub connections: usize,
    /// Number of loops, workers or processes, where configurable.
    pub threads: usize,
    /// The floor's mode: "", "close" or "large".
    pub floor: &'static str,
    /// Whether the server must accept connections before they send anything.
    pub silent: bool,
    /// Whether it is pinned to one processor, with the load on the others.
    pub pinned: bool,
    /// Whether it runs so slowly that its once-a-second work, the revalidation
    /// of cached files, would happen every few requests.
    pub slowed: bool,
}

impl Default for Needs {
    fn default() -> Self {
        let (connections, threads, pinned) = (1, 1, true);
        let (silent, slowed) = (false, false);
        Self { connections, threads, floor: "", silent, pinned, slowed }
    }
}

/// A running server. Dropping it kills it and everything it started.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Its listening address.
    pub address: SocketAddr,
}

/// How long it may take to start listening.
const CEILING: Duration = Duration::from_secs(20);

impl Server {
    /// Starts the server, and returns when it accepts connections.
    ///
    /// # Errors
    /// If it exits or does not listen within 20 s.
    pub fn start(
        contender: &Contender,
        needs: &Needs,
        site: &Site,
    ) -> Result<Self, String> {
        let own_port =
            matches!(contender.kind, Kind::Peer(..) | Kind::Other(_));
        let port = if own_port { free_port()? } else { 0 };
        let mut command = command(contender, needs, site, port)?;
        prepare(&mut command, None).stderr(Stdio::null());
        if own_port {
            command.stdout(Stdio::null());
        }
        pin::command(&mut command, Side::Server, needs.pinned);
        let failed = |why: String| format!("it does not start: {why}");
        let child = command.spawn().map_err(|e| failed(e.to_string()))?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut server = Self { child, address };
        if own_port {
            server.wait_for_listener().map_err(failed)?;
        } else {
            server.address = server.announced().map_err(failed)?;
        }
        Ok(server)
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// The address in `listening on http://ADDR:PORT`.
    fn announced(&mut self) -> Result<SocketAddr, String> {
        let stdout = self.child.stdout.as_mut().ok_or("no stdout")?;
        let mut line = String::new();
        // One line; the servers write nothing else, because they run quietly.
        BufReader::new(stdout)
            .read_line(&mut line)
            .map_err(|e| e.to_string())?;
        line.trim_end()
            .strip_prefix("listening on http://")
            .and_then(|address| address.parse().ok())
            .ok_or_else(|| format!("it printed `{}`", line.trim_end()))
    }

    /// Other servers print no such line.
    fn wait_for_listener(&mut self) -> Result<(), String> {
        let mut ended = false;
        process::until("it to listen", CEILING, || {
            ended = self.child.try_wait().is_ok_and(|status| status.is_some());
            ended || TcpStream::connect(self.address).is_ok()
        })?;
        if ended { Err("it has exited".into()) } else { Ok(()) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It leads its own process group, which includes its workers.
        let group = Pid::from_raw(self.pid());
        let _ = killpg(group, Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

/// A free port below the range of outgoing connections (`ip_local_port_range`),
/// so that none of them takes it meanwhile. No port is used twice.
fn free_port() -> Result<u16, String> {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    let own = u16::try_from(std::process::id() % 5_000).unwrap_or(0);
    for _ in 0..5_000 {
        let port = 20_000 + own + GIVEN.fetch_add(1, Ordering::Relaxed) % 5_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err("no free port".into())
}

fn command(
    contender: &Contender,
    needs: &Needs,
    site: &Site,
    port: u16,
) -> Result<Command, String> {
    let root = site.root();
    let root = root.to_str().ok_or("the directory's name is not UTF-8")?;
    let cached = contender.name.ends_with("-cache");
    let cache = if cached { "max=1024 inactive=60s" } else { "off" };
    let valid = if needs.slowed { "3600s" } else { "1s" };
    let fill = |text: &str| {
        text.replace("{port}", &port.to_string())
            .replace("{cache}", cache)
            .replace("{valid}", valid)
            .replace("{root}", root)
            .replace("{folder}", &site.folder().display().to_string())
            .replace("{workers}", &needs.threads.to_string())
    };
    match &contender.kind {
        Kind::Floor => {
            let this = std::env::current_exe().map_err(|e| e.to_string())?;
            let mut command = Command::new(this);
            command.args(["floor", "0"]);
            command.args(needs.floor.split_whitespace());
            if needs.floor == "large" {
                command.arg(site.root().join("large.bin"));
            }
            Ok(command)
        }
        Kind::Stage(number, program, help) => {
            let mut command = Command::new(program);
            command.args([root, "--listen", "127.0.0.1:0", "--quiet"]);
            command.args(flags(*number, help, needs));
            Ok(command)
        }
        Kind::Peer(program, template) => {
            let name = format!("{}-{port}.conf", contender.name);
            let path = site.folder().join(name);
            fs::write(&path, fill(template)).map_err(|e| e.to_string())?;
            let mut command = Command::new(program);
            // Without -D lighttpd would go into the background.
            let flags: &[&str] = match contender.name.as_str() {
                "lighttpd" => &["-D", "-f"],
                _ => &["-c"],
            };
            command.args(flags).arg(path);
            Ok(command)
        }
        Kind::Other(line) => {
            let words = words(&fill(line))?;
            let (program, rest) = words.split_first().ok_or("no command")?;
            let mut command = Command::new(program);
            command.args(rest);
            Ok(command)
        }
    }
}

/// The stage's flags that the load needs: no limit on requests and no
/// time-outs, so that a run measures requests and not reconnections.
fn flags(number: u32, help: &str, needs: &Needs) -> Vec<String> {
    // Stage 1 serves one connection per thread; the later `--threads` counts
    // loops.
    let threads =
        if number == 1 { needs.connections + 4 } else { needs.threads };
    let threads = threads.to_string();
    let wanted = [
        ("--threads", threads.as_str()),
        ("--max-requests", "1000000000"),
        ("--recv-timeout", "3600"),
        ("--send-timeout", "3600"),
        ("--head-timeout", "3600"),
        ("--idle-timeout", "3600"),
        ("--write-timeout", "3600"),
        ("--min-rate", "0"),
    ];
    let silent = needs.silent.then_some(("--defer-accept", "0"));
    let slowed = needs.slowed.then_some(("--cache-valid", "3600"));
    wanted
        .into_iter()
        .chain(silent)
        .chain(slowed)
        .filter(|(flag, _)| help.contains(&format!("{flag} <")))
        .flat_map(|(flag, value)| [flag.to_owned(), value.to_owned()])
        .collect()
}
