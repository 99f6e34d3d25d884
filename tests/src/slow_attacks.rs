//! slowhttptest(1): a hundred slow clients at once, in three ways.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::fixtures::{self, HELLO};
use crate::number::Number;
use crate::process;
use crate::server::Server;
use crate::stage::{self, Case, Outcome, PASSED, Stage};

/// Slow clients, and how many of them must be accepted at once.
const CLIENTS: &str = "100";
const MIN_ACCEPTED: usize = 90;

/// Requests of other clients that must be answered meanwhile.
const OTHER_REQUESTS: usize = 50;

const PROMISE: &str = "While slowhttptest holds a hundred slow connections, \
    other clients are\nserved. The tool would continue for a minute, but the \
    server disconnects all\nof its clients when they time out.";

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
            attack(stage, &["-H", "-i", "1"], "hello.txt")
        }),
        case("tools::slowhttptest_bodies", |stage| {
            attack(stage, &["-B", "-i", "1", "-s", "100000"], "echo")
        }),
        case("tools::slowhttptest_reads", |stage| {
            let window = ["-w", "512", "-y", "1024"];
            let rate = ["-n", "1", "-z", "32", "-k", "3"];
            attack(stage, &[&["-X"], &window[..], &rate].concat(), "big.bin")
        }),
    ]
}

/// slowhttptest, for a minute. Dropping it kills it.
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

fn attack(stage: &Stage, flags: &[&str], path: &str) -> Outcome {
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
    let baseline = process::descriptors(pid)?;
    let attack = Slow::start(&server, flags, path)?;
    process::until("the slow clients to be accepted", stage.ceiling, || {
        process::descriptors(pid)
            .is_ok_and(|open| open >= baseline + MIN_ACCEPTED)
    })?;
    serve_others(&server)?;
    // Their time-out, two seconds of lingering close, and a margin for a busy
    // machine.
    let ceiling = stage.ceiling.max(Duration::from_secs(20));
    process::until_descriptors(pid, baseline, ceiling)?;
    drop(attack);
    server.check_alive()?;
    Ok(PASSED)
}

fn serve_others(server: &Server) -> Result<(), String> {
    for _ in 0..OTHER_REQUESTS {
        let mut client = server.connect()?;
        let request = b"GET /hello.txt HTTP/1.1\r\nHost: beside\r\n\r\n";
        let response = client.ask(request)?;
        if response.status != 200 || response.body != HELLO {
            return Err(format!(
                "another client got status {}",
                response.status
            ));
        }
    }
    Ok(())
}
