//! strace(1), attached to a running server, makes its system calls fail.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::process;
use crate::server::lines::Lines;

/// Every second call of one kind fails until strace detaches.
pub struct Injected {
    strace: Child,
    trace: PathBuf,
    _folder: TempDir,
}

impl Injected {
    /// Attaches to all threads of the process. `None` if that isn't allowed:
    /// with a strict `ptrace_scope`, only root may (ptrace(2)).
    ///
    /// # Errors
    /// If strace can't be started.
    pub fn attach(
        pid: i32,
        call: &str,
        error: &str,
        ceiling: Duration,
    ) -> Result<Option<Self>, String> {
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        let trace = folder.path().join("trace");
        let mut strace = Command::new("strace")
            .args(["-f", "-o"])
            .arg(&trace)
            .args(["-e", &format!("trace={call}")])
            .args(["-e", &format!("inject={call}:error={error}:when=1+2")])
            .args(["-p", &pid.to_string()])
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("strace: {error}"))?;
        let lines = strace.stderr.take().map(Lines::of).unwrap_or_default();
        let messages = lines.wait_for(1, ceiling);
        let mut injected = Self { strace, trace, _folder: folder };
        if messages.iter().any(|line| line.contains(" attached")) {
            return Ok(Some(injected));
        }
        if messages.iter().any(|line| line.contains("not permitted")) {
            return Ok(None);
        }
        let _ = injected.strace.kill();
        Err(format!("strace did not attach: {messages:?}"))
    }

    /// Detaches. Returns the number of calls that failed.
    ///
    /// # Errors
    /// If strace does not exit.
    pub fn detach(mut self, ceiling: Duration) -> Result<usize, String> {
        let pid = Pid::from_raw(self.strace.id().cast_signed());
        kill(pid, Signal::SIGTERM).map_err(|error| error.to_string())?;
        process::until("strace to detach", ceiling, || {
            self.strace.try_wait().is_ok_and(|status| status.is_some())
        })?;
        let trace = fs::read_to_string(&self.trace).unwrap_or_default();
        Ok(trace.matches("(INJECTED)").count())
    }
}

impl Drop for Injected {
    fn drop(&mut self) {
        // When strace is killed, the process continues untraced.
        let _ = self.strace.kill();
        let _ = self.strace.wait();
    }
}
