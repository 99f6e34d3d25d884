//! Each system call fails in each way in which it can (`table.rs`), while
//! clients talk: by strace(1), which makes every second call fail in place of
//! the kernel.

pub(crate) mod inject;
mod table;

use inject::Injected;
use table::Fault;

use crate::fixtures::{HELLO, pattern};
use crate::number::Number;
use crate::process;
use crate::server::Server;
use crate::stage::{self, Case, Launch, Outcome, PASSED, Stage};
use crate::wire::Client;
use crate::wire::client::End;

/// Connections while a call fails, one after the other.
const CONNECTIONS: usize = 4;

/// What the server may use of a processor meanwhile, in ticks of 10 ms. To
/// answer takes some; a spin takes a hundred a second.
const TICKS: u64 = 60;

/// What each connection asks for.
const REQUESTS: &[u8] = b"GET /hello.txt HTTP/1.1\r\nHost: fault\r\n\r\n\
    POST /echo HTTP/1.1\r\nHost: fault\r\nContent-Length: 5\r\n\r\nhello\
    GET /mebibyte.bin HTTP/1.1\r\nHost: fault\r\n\r\n\
    GET /size-16385.bin HTTP/1.1\r\nHost: fault\r\nConnection: close\r\n\r\n";

macro_rules! cases {
    ($($name:literal: $fault:ident,)*) => {
        vec![$(Case {
            name: $name,
            promise: PROMISE,
            from: table::$fault.stages.0,
            until: table::$fault.stages.1,
            any_server: false,
            run: |stage| fails(stage, $name, &table::$fault),
        }),*]
    };
}

const PROMISE: &str = "A system call fails now and then, with each error that it can return. \
    No\n\
    response is wrong: it is complete, or an error response, or aborted.\n\
    Afterwards the server serves the next client, has lost no descriptor, \
    and\n\
    does not spin.";

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases = cases! {
        "fault::wait": WAIT,
        "fault::accept": ACCEPT,
        "fault::epoll_ctl": WATCH,
        "fault::recv": RECEIVE,
        "fault::send": SEND,
        "fault::not_yet": NOT_YET,
        "fault::sendfile": SEND_FILE,
        "fault::open": OPEN,
        "fault::stat": STAT,
        "fault::read": READ,
        "fault::shutdown": SHUT_DOWN,
        "fault::log": WRITE,
    };
    cases.push(Case {
        name: "fault::starting",
        promise: "If a system call fails during start-up, the server exits \
                  with code 1 and one\n\
                  line that says what failed.",
        from: Number::stage(1),
        until: Number::EVER,
        any_server: false,
        run: starting,
    });
    cases.push(Case {
        name: "fault::optional",
        promise: "A system call that only an option or an improvement needs \
                  may fail: the\n\
                  server starts and serves.",
        from: Number::stage(1),
        until: Number::EVER,
        any_server: false,
        run: optional,
    });
    cases
}

fn fails(stage: &Stage, name: &str, fault: &Fault) -> Outcome {
    if !stage::can_trace() {
        return stage::skip(name, stage::TRACING);
    }
    for (error, when) in fault.errors {
        let what = format!("{} fails with {error} ({when})", fault.call);
        match one(stage, fault.call, error) {
            Ok(true) => {}
            Ok(false) => {
                return stage::skip(name, "permission to attach strace");
            }
            Err(why) => return Err(format!("{what}: {why}").into()),
        }
    }
    Ok(PASSED)
}

/// One error of one call. Says whether it could be tried.
fn one(stage: &Stage, call: &str, error: &str) -> Result<bool, String> {
    // With its log, for `write` is one of the calls.
    let flags = stage.plain();
    let mut server = stage.start(&flags[1..])?;
    let pid = server.pid();
    process::until_asleep(pid, stage.ceiling)?;
    let alone = process::descriptors(pid)?;
    let before = process::used(pid)?.ticks;
    let Some(injected) = Injected::attach(pid, call, error, stage.ceiling)?
    else {
        return Ok(false);
    };
    for at in 0..CONNECTIONS {
        talk(&server).map_err(|why| format!("connection {at}: {why}"))?;
    }
    let count = injected.detach(stage.ceiling)?;
    if count == 0 {
        return Err("it was never made".into());
    }
    server.check_alive()?;
    process::until_descriptors(pid, alone, stage.ceiling)?;
    let ticks = process::used(pid)?.ticks - before;
    if ticks > TICKS {
        return Err(format!("it used {ticks} ticks of 10 ms"));
    }
    Ok(true)
}

/// Asks for four things at once, and judges what comes until the end.
fn talk(server: &Server) -> Result<(), String> {
    // A connection that is reset at once is a broken connection.
    let Ok(mut client) = server.connect() else { return Ok(()) };
    client.send(REQUESTS)?;
    client.half_close();
    client.wait_for_end()?;
    judge(&client)
}

fn judge(client: &Client) -> Result<(), String> {
    if let Some(complaint) = &client.reader.complaint {
        return Err(complaint.clone());
    }
    let patterned = |length| (0..length).map(pattern).collect::<Vec<u8>>();
    let bodies = [
        HELLO.to_vec(),
        b"hello".to_vec(),
        patterned(1 << 20),
        patterned(16385),
    ];
    let answers = &client.reader.answers;
    if answers.len() > bodies.len() {
        return Err(format!("{} answers to 4 requests", answers.len()));
    }
    for (at, (answer, body)) in answers.iter().zip(&bodies).enumerate() {
        // What is missing can be seen, for the length was said.
        let right = answer.missing > 0 && body.starts_with(&answer.body)
            || answer.body == *body;
        if answer.status != 200 && answer.status < 400
            || answer.status == 200 && !right
        {
            let (status, count) = (answer.status, answer.body.len());
            return Err(format!(
                "answer {at}: status {status}, {count} bytes, not those due"
            ));
        }
    }
    let told = answers.last().and_then(|last| last.field("Connection"));
    let broken = answers.iter().any(|answer| answer.missing > 0);
    if answers.len() < bodies.len() && broken && told.is_some() {
        return Err("an answer that broke off was taken for the last".into());
    }
    if client.end == End::Open {
        return Err("the connection has no end".into());
    }
    Ok(())
}

/// `stage` under strace, with every call of this kind failing.
fn failing(stage: &Stage, inject: &str) -> Result<Stage, String> {
    let binary = stage.binary()?.to_string_lossy().into_owned();
    let words = ["-f", "-o", "/dev/null", "-e", inject, &binary];
    let words = words.map(str::to_owned).to_vec();
    let launch = Launch::Program("strace".into(), words);
    Ok(Stage { launch, ..stage.clone() })
}

fn optional(stage: &Stage) -> Outcome {
    if !stage::can_trace() {
        return stage::skip("fault::optional", stage::TRACING);
    }
    for (call, error, (from, until)) in table::OPTIONAL {
        if !(from..=until).contains(&stage.at) {
            continue;
        }
        let inject = format!("inject={call}:error={error}");
        failing(stage, &inject)?
            .start(&["--quiet"])
            .and_then(|mut server| server.check_alive())
            .map_err(|why| format!("{call} fails with {error}: {why}"))?;
    }
    Ok(PASSED)
}

fn starting(stage: &Stage) -> Outcome {
    if !stage::can_trace() {
        return stage::skip("fault::starting", stage::TRACING);
    }
    for (call, error, (from, until)) in table::STARTING {
        if !(from..=until).contains(&stage.at) {
            continue;
        }
        let inject = format!("inject={call}:error={error}:when=1");
        let (status, lines) = failing(stage, &inject)?.fail()?;
        let start = format!("{}: cannot ", stage.name);
        let clear = match &lines[..] {
            [line] => line.starts_with(&start),
            _ => false,
        };
        if status != Some(1) || !clear {
            return Err(format!(
                "{call} fails with {error}: exit code 1 and one line \
                 `{start}…` were due; it ended with {status:?} and {lines:#?}"
            )
            .into());
        }
    }
    Ok(PASSED)
}
