//! A server that runs under strace(1).

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::process;
use crate::server::Server;
use crate::stage::{Launch, Stage};

/// A traced server. Dropping it kills server and strace.
pub struct Traced {
    /// The server; its process id is that of strace.
    pub server: Server,
    /// The process id of the server itself.
    pub pid: i32,
    file: PathBuf,
    // Removed only after the server is gone: fields are dropped in order.
    _folder: TempDir,
}

impl Traced {
    /// Starts `stage` with `flags` under strace, with `options` for strace.
    ///
    /// # Errors
    /// If it does not listen, or does not become idle.
    pub fn start(
        stage: &Stage,
        options: &[&str],
        flags: &[&str],
    ) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        let file = folder.path().join("trace");
        let mut before = vec!["-f".into(), "-o".into()];
        before.push(file.to_string_lossy().into_owned());
        before.extend(options.iter().copied().map(Into::into));
        before.push(stage.binary()?.to_string_lossy().into_owned());
        let launch = Launch::Program("strace".into(), before);
        let server = Stage { launch, ..stage.clone() }.start(flags)?;
        let mut traced = Self { server, pid: 0, file, _folder: folder };
        // The first line of the trace begins with the server's process id.
        let trace = traced.text();
        let pid = trace.split(' ').next().and_then(|pid| pid.parse().ok());
        traced.pid = pid.ok_or("the trace does not begin with a process id")?;
        process::until_asleep(traced.pid, stage.ceiling)?;
        Ok(traced)
    }

    /// The trace so far.
    #[must_use]
    pub fn text(&self) -> String {
        fs::read_to_string(&self.file).unwrap_or_default()
    }
}
