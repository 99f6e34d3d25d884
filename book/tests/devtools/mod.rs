//! Drives a browser with the `DevTools` protocol over two pipes: JSON messages,
//! each terminated by a zero byte. It needs no port and no other program.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// Maximum wait in these tests. A slow machine needs only seconds.
pub const CEILING: Duration = Duration::from_secs(60);

/// A browser with one page open.
pub struct Browser {
    process: Child,
    requests: ChildStdin,
    messages: Receiver<Value>,
    session: Value,
    next: u64,
    log: Log,
    _profile: TempDir,
}

/// What happened in the page.
#[derive(Debug, Default)]
pub struct Log {
    /// Requests in flight, with their addresses.
    pub open: BTreeMap<String, String>,
    /// Number of requests that succeeded.
    pub answered: usize,
    /// Requests that failed, and errors on the console.
    pub faults: Vec<String>,
    loaded: bool,
}

impl Browser {
    /// Starts the program with a fresh profile and opens an empty page.
    pub fn start(program: &Path) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let log = File::create(profile.path().join("stderr")).unwrap();
        // The browser reads commands from descriptor 3 and writes to 4.
        let mut process = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 0</dev/null 1>&2"])
            .arg(program)
            .args(["--headless", "--remote-debugging-pipe", "--no-sandbox"])
            .args(["--disable-gpu", "--disable-dev-shm-usage"])
            .args(["--no-first-run", "--disable-background-networking"])
            .args(["--disable-component-update", "--disable-sync"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let requests = process.stdin.take().unwrap();
        let messages = read_messages(process.stdout.take().unwrap());
        let mut browser = Self {
            process,
            requests,
            messages,
            session: Value::Null,
            next: 0,
            log: Log::default(),
            _profile: profile,
        };
        browser.open_page();
        browser
    }

    fn open_page(&mut self) {
        let page = json!({ "url": "about:blank" });
        let page = self.call("Target.createTarget", page);
        let to = json!({ "targetId": page["targetId"], "flatten": true });
        let session = self.call("Target.attachToTarget", to);
        self.session = session["sessionId"].clone();
        for domain in ["Page", "Network", "Runtime", "Log"] {
            self.call(&format!("{domain}.enable"), json!({}));
        }
    }

    /// Sends a command and waits for its result.
    #[track_caller]
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let id = self.next;
        let mut message = json!({ "id": id, "method": method });
        message["params"] = params;
        if !self.session.is_null() {
            message["sessionId"] = self.session.clone();
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.requests.write_all(&bytes).unwrap();
        loop {
            let answer = self.receive(method);
            if answer["id"] == id {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }

    /// Receives the next message, and records it if it is an event.
    #[track_caller]
    fn receive(&mut self, why: &str) -> Value {
        match self.messages.recv_timeout(CEILING) {
            Ok(message) => {
                self.log.note(&message);
                message
            }
            Err(error) => panic!("{why}: {error}; so far {:?}", self.log),
        }
    }

    /// Opens an address, waits until the page and all its resources are loaded,
    /// and returns what happened.
    #[track_caller]
    pub fn visit(&mut self, url: &str) -> Log {
        self.log = Log::default();
        self.call("Page.navigate", json!({ "url": url }));
        while !(self.log.loaded && self.log.open.is_empty()) {
            self.receive(url);
        }
        std::mem::take(&mut self.log)
    }

    /// Runs JavaScript in the page and returns its value, or that of a promise.
    #[track_caller]
    pub fn evaluate(&mut self, program: &str) -> Value {
        let params = json!({
            "expression": program,
            "awaitPromise": true,
            "returnByValue": true,
        });
        let result = self.call("Runtime.evaluate", params);
        let thrown = &result["exceptionDetails"];
        assert!(thrown.is_null(), "{program}\n{thrown}");
        result["result"]["value"].clone()
    }

    /// Resizes the window, in pixels.
    pub fn resize(&mut self, width: u32, height: u32) {
        let metrics = json!({
            "width": width,
            "height": height,
            "deviceScaleFactor": 1,
            "mobile": false,
        });
        self.call("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// Types a text where the cursor is, key by key.
    pub fn type_text(&mut self, text: &str) {
        for key in text.chars().map(String::from) {
            for kind in ["keyDown", "keyUp"] {
                let event = json!({ "type": kind, "key": key, "text": key });
                self.call("Input.dispatchKeyEvent", event);
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Log {
    fn note(&mut self, event: &Value) {
        let params = &event["params"];
        let id = params["requestId"].as_str().unwrap_or_default();
        match event["method"].as_str().unwrap_or_default() {
            "Page.loadEventFired" => self.loaded = true,
            "Network.requestWillBeSent" => {
                let url = params["request"]["url"].as_str().unwrap_or("?");
                // The browser may silently drop the request for one icon and
                // load another when the page turns out to be dark. Or it sends
                // the request so late that the server has ended.
                if !is_icon(url) {
                    self.open.insert(id.to_string(), url.to_string());
                }
            }
            "Network.responseReceived" => {
                let status = params["response"]["status"].as_u64();
                if status.is_some_and(|status| status >= 400) {
                    self.faults.push(params["response"].to_string());
                }
            }
            "Network.loadingFinished" => {
                self.open.remove(id);
                self.answered += 1;
            }
            "Network.loadingFailed" => {
                if let Some(url) = self.open.remove(id) {
                    self.faults.push(format!("{url}: {}", params["errorText"]));
                }
            }
            "Runtime.exceptionThrown" => self.faults.push(params.to_string()),
            "Runtime.consoleAPICalled"
                if ["error", "assert"].iter().any(|t| params["type"] == *t) =>
            {
                self.faults.push(params["args"].to_string());
            }
            "Log.entryAdded" if params["entry"]["level"] == "error" => {
                // An icon that the server does not have is a response.
                let url = params["entry"]["url"].as_str().unwrap_or_default();
                if !is_icon(url) {
                    self.faults.push(params["entry"].to_string());
                }
            }
            _ => {}
        }
    }
}

fn is_icon(url: &str) -> bool {
    url.contains("/favicon.")
}

/// Reads messages until the browser exits.
fn read_messages(pipe: ChildStdout) -> Receiver<Value> {
    let (sender, messages) = channel();
    thread::spawn(move || {
        for message in BufReader::new(pipe).split(0).map_while(Result::ok) {
            let message = serde_json::from_slice(&message).unwrap();
            if sender.send(message).is_err() {
                break;
            }
        }
    });
    messages
}
