//! Each system call fails with each error that it can return (`table.rs`) while
//! clients are connected: strace(1) makes every second call fail.

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

/// Connections while a call fails, one after another.
const CONNECTIONS: usize = 4;

/// The processor time that the server may use meanwhile, in ticks of 10 ms.
/// Responding takes some; a loop that spins takes a hundred a second.
const MAX_TICKS: u64 = 60;

/// The requests on each connection.
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

const PROMISE: &str = "A system call fails now and then, with each error that \
    it can return. No\nresponse is wrong: each is complete, or an error \
    response, or visibly\ntruncated. Then the next client is served, no \
    descriptor leaks, and no loop\nspins.";

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases = cases! {
        "fault::wait": WAIT,
        "fault::accept": ACCEPT,
        "fault::epoll_ctl": WATCH,
        "fault::recv": RECEIVE,
        "fault::send": SEND,
        "fault::eagain": EAGAIN,
        "fault::sendfile": SEND_FILE,
        "fault::open": OPEN,
        "fault::stat": STAT,
        "fault::read": READ,
        "fault::shutdown": SHUT_DOWN,
        "fault::log": WRITE,
    };
    cases.push(Case {
        name: "fault::starting",
        promise: "If a system call fails at start, the server exits with code \
                  1 and one line\nthat says what failed.",
        from: Number::stage(1),
        until: Number::EVER,
        any_server: false,
        run: starting,
    });
    cases.push(Case {
        name: "fault::optional",
        promise: "A system call that only an option or an optimization needs \
                  may fail: the\nserver starts and serves.",
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

/// Tests one error of one call. Returns false if strace may not attach.
fn one(stage: &Stage, call: &str, error: &str) -> Result<bool, String> {
    // With the access log, because `write` is one of the calls.
    let flags = stage.plain();
    let mut server = stage.start(&flags[1..])?;
    let pid = server.pid();
    process::until_asleep(pid, stage.ceiling)?;
    let baseline = process::descriptors(pid)?;
    let before = process::used(pid)?.ticks;
    let Some(injected) = Injected::attach(pid, call, error, stage.ceiling)?
    else {
        return Ok(false);
    };
    for index in 0..CONNECTIONS {
        talk(&server).map_err(|why| format!("connection {index}: {why}"))?;
    }
    let count = injected.detach(stage.ceiling)?;
    if count == 0 {
        return Err("the server never made this call".into());
    }
    server.check_alive()?;
    process::until_descriptors(pid, baseline, stage.ceiling)?;
    let ticks = process::used(pid)?.ticks - before;
    if ticks > MAX_TICKS {
        return Err(format!("it used {ticks} ticks of 10 ms"));
    }
    Ok(true)
}

/// Sends four pipelined requests and checks everything up to the close.
fn talk(server: &Server) -> Result<(), String> {
    // A connection that is reset at once counts as a truncated response.
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
    let responses = &client.reader.responses;
    if responses.len() > bodies.len() {
        return Err(format!("{} responses to 4 requests", responses.len()));
    }
    for (index, (response, body)) in responses.iter().zip(&bodies).enumerate() {
        // The client can tell that bytes are missing, because it knows the
        // length.
        let matches = response.missing > 0 && body.starts_with(&response.body)
            || response.body == *body;
        if response.status != 200 && response.status < 400
            || response.status == 200 && !matches
        {
            let (status, count) = (response.status, response.body.len());
            return Err(format!(
                "response {index}: status {status}, {count} bytes, or the \
                 wrong ones"
            ));
        }
    }
    let announced = responses.last().and_then(|last| last.field("Connection"));
    let truncated = responses.iter().any(|response| response.missing > 0);
    if responses.len() < bodies.len() && truncated && announced.is_some() {
        return Err("a truncated response announced `Connection: close`".into());
    }
    if client.end == End::Open {
        return Err("the connection was not closed".into());
    }
    Ok(())
}

/// `stage` under strace, with `inject` as the failing call.
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
                "{call} fails with {error}: expected exit code 1 and one line \
                 `{start}…`, got {status:?} and {lines:#?}"
            )
            .into());
        }
    }
    Ok(PASSED)
}
