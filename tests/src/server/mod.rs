//! The server process of one test: starts it, watches it, kills it.

pub mod command;
pub mod lines;
pub mod pool;
pub mod starter;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::fixtures;
use crate::stage::{Launch, Stage};
use crate::wire::Client;
use crate::wire::client::CEILING;
use lines::Lines;

/// How long a process that no longer listens may take to end.
const ENDING: Duration = Duration::from_secs(1);

/// A running server. Dropping it kills it and everything it started.
#[derive(Debug)]
pub struct Server {
    child: Child,
    addresses: Vec<SocketAddr>,
    ceiling: Duration,
    /// The lines on its standard output after `listening on …`.
    pub stdout: Lines,
    /// The lines on its standard error.
    pub stderr: Lines,
}

impl Server {
    /// Starts `stage` on the fixture site, by default on a free port of
    /// 127.0.0.1; `--listen` among the flags overrides that.
    ///
    /// # Errors
    /// If it ends, or does not listen in time.
    pub fn start(stage: &Stage, flags: &[&str]) -> Result<Self, String> {
        Self::start_at(stage, fixtures::site().root(), flags)
    }

    /// Starts `stage` on another directory; only our stages support that.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn start_at(
        stage: &Stage,
        root: &Path,
        flags: &[&str],
    ) -> Result<Self, String> {
        match &stage.launch {
            Launch::Program(path, before) => {
                let mut command = Command::new(path);
                command.args(before).arg(root);
                if !flags.contains(&"--listen") {
                    command.args(["--listen", "127.0.0.1:0"]);
                }
                command.args(flags);
                Self::start_ours(&mut command, stage)
            }
            Launch::Command(line) => pool::take(line)
                .map_or_else(|| Self::start_any(line, stage), Ok),
        }
    }

    /// Starts `command` and watches it, without waiting for anything. `command`
    /// is used up: afterwards it runs true(1).
    ///
    /// # Errors
    /// If it can't be started.
    pub fn spawn(command: &mut Command, stage: &Stage) -> Result<Self, String> {
        command::prepare(command, stage.descriptors);
        let command = std::mem::replace(command, Command::new("true"));
        let mut child = starter::spawn(command)
            .map_err(|error| format!("cannot start {}: {error}", stage.name))?;
        let stdout = child.stdout.take().map(Lines::of).unwrap_or_default();
        let stderr = child.stderr.take().map(Lines::of).unwrap_or_default();
        let addresses = Vec::new();
        let ceiling = stage.ceiling;
        Ok(Self { child, addresses, ceiling, stdout, stderr })
    }

    /// Our servers print `listening on http://ADDR:PORT` per listener.
    fn start_ours(
        command: &mut Command,
        stage: &Stage,
    ) -> Result<Self, String> {
        let listeners = command.get_args().filter(|a| *a == "--listen").count();
        let mut server = Self::spawn(command, stage)?;
        let lines = server.stdout.wait_for(listeners, stage.ceiling);
        for line in lines.iter().take(listeners) {
            let address = line
                .strip_prefix("listening on http://")
                .and_then(|address| address.parse().ok())
                .ok_or_else(|| {
                    format!(
                        "the first line on stdout must be `listening on \
                         http://ADDR:PORT`; it was `{line}`"
                    )
                })?;
            server.addresses.push(address);
        }
        if server.addresses.len() < listeners {
            let how = server.state();
            let name = &stage.name;
            return Err(format!("{name} printed no `listening on …`: {how}"));
        }
        Ok(server)
    }

    /// Another program prints no such line: it listens once we can connect to
    /// it.
    fn start_any(line: &str, stage: &Stage) -> Result<Self, String> {
        let free = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .map_err(|error| format!("no free port: {error}"))?;
        let root = fixtures::site().root().display().to_string();
        let words: Vec<String> = command::words(line)?
            .iter()
            .map(|word| word.replace("{port}", &free.port().to_string()))
            .map(|word| word.replace("{root}", &root))
            .collect();
        let (program, arguments) =
            words.split_first().ok_or("SERVER is empty")?;
        let mut command = Command::new(program);
        let mut server = Self::spawn(command.args(arguments), stage)?;
        server.addresses.push(free);
        let deadline = Instant::now() + CEILING;
        while TcpStream::connect(free).is_err() {
            if server.exit_status().is_some() || Instant::now() > deadline {
                let how = server.state();
                return Err(format!(
                    "nothing listens on {free} after `{}`: {how}",
                    words.join(" ")
                ));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// Its listening address; the first one if there are several.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// Its listening addresses, in the order of the `--listen` flags.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// A new connection to it.
    ///
    /// # Errors
    /// As connect(2).
    pub fn connect(&self) -> Result<Client, String> {
        Client::connect(self.address(), self.ceiling)
            .map_err(|e| format!("cannot connect to {}: {e}", self.address()))
    }

    /// The exit status, if the process has ended.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits for the process to exit.
    ///
    /// # Errors
    /// If it is still running after `ceiling`.
    pub fn wait_for_exit(
        &mut self,
        ceiling: Duration,
    ) -> Result<ExitStatus, String> {
        let deadline = Instant::now() + ceiling;
        loop {
            if let Some(status) = self.exit_status() {
                return Ok(status);
            }
            if Instant::now() > deadline {
                let seconds = ceiling.as_secs();
                return Err(format!("waited {seconds} s for its exit"));
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Fails unless the process is running and answers `GET /hello.txt` to a
    /// new client.
    ///
    /// # Errors
    /// With the reason, and exit status and stderr if the server has died.
    pub fn check_alive(&mut self) -> Result<(), String> {
        let request = b"GET /hello.txt HTTP/1.1\r\nHost: check\r\n\
                        Connection: close\r\n\r\n";
        let asked = self.connect().and_then(|mut c| c.ask(request));
        // A process closes its sockets some time before it has ended.
        if asked.is_err() {
            let _ = self.wait_for_exit(ENDING);
        }
        if self.exit_status().is_some() {
            return Err(format!("the server has exited: {}", self.state()));
        }
        let response = asked.map_err(|why| {
            format!("afterwards a fresh GET /hello.txt failed: {why}")
        })?;
        if response.status != 200 || response.body != fixtures::HELLO {
            return Err(format!(
                "afterwards a fresh GET /hello.txt got {}",
                response.status
            ));
        }
        Ok(())
    }

    /// `it is running`, or how it ended, with the end of its stderr.
    pub fn state(&mut self) -> String {
        let Some(status) = self.exit_status() else {
            return "it is running".into();
        };
        let how = match status.signal() {
            Some(signal) => Signal::try_from(signal)
                .map_or_else(|_| status.to_string(), |s| format!("by {s}")),
            None => status.to_string(),
        };
        let stderr = self.stderr.wait_for_end(Duration::from_secs(1));
        let tail = &stderr[stderr.len().saturating_sub(20)..];
        format!("it ended ({how}); stderr: {}", tail.join("\n    "))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The child leads its own process group, so this kills its children
        // too. It isn't reaped yet, so its id can't belong to another process.
        if self.exit_status().is_none() {
            let _ = killpg(Pid::from_raw(self.pid()), Signal::SIGKILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
