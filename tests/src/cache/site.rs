//! A directory for one test, whose files change while they are served.

use std::fs;
use std::path::PathBuf;

use crate::fixtures;
use crate::process;
use crate::server::Server;
use crate::stage::Stage;
use crate::wire::Client;

/// It is inside the site; removed when dropped.
pub(super) struct CacheSite {
    pub(super) path: PathBuf,
    name: &'static str,
}

impl CacheSite {
    pub(super) fn new(name: &'static str) -> Result<Self, String> {
        let path = fixtures::site().root().join(name);
        fs::create_dir_all(&path).map_err(|e| e.to_string())?;
        Ok(Self { path, name })
    }

    pub(super) fn write(
        &self,
        file: &str,
        content: &str,
    ) -> Result<(), String> {
        fs::write(self.path.join(file), content).map_err(|e| e.to_string())
    }

    /// Replaces a file atomically.
    pub(super) fn replace(
        &self,
        file: &str,
        content: &str,
    ) -> Result<(), String> {
        self.write("new", content)?;
        fs::rename(self.path.join("new"), self.path.join(file))
            .map_err(|e| e.to_string())
    }

    pub(super) fn remove(&self, file: &str) -> Result<(), String> {
        fs::remove_file(self.path.join(file)).map_err(|e| e.to_string())
    }

    /// Requests a file: returns the body of a 200, otherwise the status.
    fn ask(&self, client: &mut Client, file: &str) -> Result<String, String> {
        let folder = self.name;
        let request =
            format!("GET /{folder}/{file} HTTP/1.1\r\nHost: cache\r\n\r\n");
        let response = client.ask(request.as_bytes())?;
        Ok(match response.status {
            200 => String::from_utf8_lossy(&response.body).into_owned(),
            status => status.to_string(),
        })
    }

    /// Fails unless a request returns `content`.
    pub(super) fn expect(
        &self,
        client: &mut Client,
        file: &str,
        content: &str,
    ) -> Result<(), String> {
        let got = self.ask(client, file)?;
        if got == content {
            return Ok(());
        }
        Err(format!("{file}: expected {content:?}, got {got:?}"))
    }

    /// Waits until a request returns `content`.
    pub(super) fn until(
        &self,
        server: &Server,
        stage: &Stage,
        file: &str,
        content: &str,
    ) -> Result<(), String> {
        let mut client = server.connect()?;
        let mut last = String::new();
        let done = process::until("the change", stage.ceiling, || {
            last = self.ask(&mut client, file).unwrap_or_else(|why| why);
            last == content
        });
        done.map_err(|why| format!("{why}: {file} is still {last:?}"))
    }
}

impl Drop for CacheSite {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}
