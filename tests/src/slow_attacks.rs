//! slowhttptest(1): a hundred clients at once that take their time, in three
//! ways.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::fixtures::{self, HELLO};
use crate::number::Number;
use crate::process;
use crate::server::Server;
use crate::stage::{self, Case, Outcome, PASSED, Stage};

/// Slow clients, and how many of them must have been in at once.
const CLIENTS: &str = "100";
const IN: usize = 90;

/// Requests of others that must be answered meanwhile.
const BESIDE: usize = 50;

const PROMISE: &str = "While a hundred clients of slowhttptest are connected, another client \
    is\n\
    served. Their attack lasts a minute, but all of them are disconnected \
    soon.";

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    let case = |name, run| Case {
        name,
        promise: PROMISE,
        from: Number::step(5, 4),
        until: Number::EVER,
        any_server: false,
        run,
    };
    vec![
        case("tools::slowhttptest_heads", |stage| {
            slow(stage, &["-H", "-i", "1"], "hello.txt")
        }),
        case("tools::slowhttptest_content", |stage| {
            slow(stage, &["-B", "-i", "1", "-s", "100000"], "echo")
        }),
        case("tools::slowhttptest_reading", |stage| {
            let window = ["-w", "512", "-y", "1024"];
            let rate = ["-n", "1", "-z", "32", "-k", "3"];
            slow(stage, &[&["-X"], &window[..], &rate].concat(), "big.bin")
        }),
    ]
}

/// slowhttptest, for a minute. Dropping it ends it.
struct Slow(Child);

impl Slow {
    fn start(
        server: &Server,
        flags: &[&str],
        path: &str,
    ) -> Result<Self, String> {
        let url = format!("http://{}/{path}", server.address());
        Command::new("slowhttptest")
            .args(["-c", CLIENTS, "-r", CLIENTS, "-l", "60", "-u", &url])
            .args(flags)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map(Self)
            .map_err(|error| format!("slowhttptest: {error}"))
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn slow(stage: &Stage, flags: &[&str], path: &str) -> Outcome {
    if !stage::has_tool("slowhttptest") {
        return stage::skip("tools::slowhttptest", "slowhttptest");
    }
    fixtures::site().big()?;
    let mut flags_of_ours = stage.plain();
    for flag in ["--head-timeout", "--body-timeout", "--write-timeout"] {
        flags_of_ours.extend([flag, "3"]);
    }
    let mut server = stage.start(&flags_of_ours)?;
    let pid = server.pid();
    process::until_asleep(pid, stage.ceiling)?;
    let alone = process::descriptors(pid)?;
    let slow = Slow::start(&server, flags, path)?;
    process::until("the slow clients to be in", stage.ceiling, || {
        process::descriptors(pid).is_ok_and(|open| open >= alone + IN)
    })?;
    beside(&server)?;
    // Their time-out, two seconds for the end, and much for a busy machine.
    let ceiling = stage.ceiling.max(Duration::from_secs(20));
    process::until_descriptors(pid, alone, ceiling)?;
    drop(slow);
    server.check_alive()?;
    Ok(PASSED)
}

fn beside(server: &Server) -> Result<(), String> {
    for _ in 0..BESIDE {
        let mut client = server.connect()?;
        let request = b"GET /hello.txt HTTP/1.1\r\nHost: beside\r\n\r\n";
        let answer = client.ask(request)?;
        if answer.status != 200 || answer.body != HELLO {
            return Err(format!("beside them: status {}", answer.status));
        }
    }
    Ok(())
}
