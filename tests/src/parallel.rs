//! Many clients at once.

use crate::fixtures::HELLO;
use crate::number::Number;
use crate::stage::{Case, Outcome, PASSED, Stage};
use crate::wire::{Client, Response};

const REQUEST: &[u8] = b"GET /hello.txt HTTP/1.1\r\nHost: many\r\n\
                         Connection: close\r\n\r\n";

/// Fewer than the 64 threads of stage 1, each of which serves one client at a
/// time.
const AT_ONCE: usize = 50;

/// More than the 64 threads of stage 1: the others wait in the accept queue.
const PARALLEL: usize = 200;

/// The tests of this module.
#[must_use]
pub fn cases() -> Vec<Case> {
    let from_1 = |name, promise, run| Case {
        name,
        promise,
        from: Number::stage(1),
        until: Number::EVER,
        any_server: true,
        run,
    };
    vec![
        from_1(
            "parallel::last_connection_first",
            "Fifty clients connect. The last to connect sends the first \
             request and gets\nits response before the others send anything. A \
             silent client delays nobody.",
            last_connection_first,
        ),
        from_1(
            "parallel::parallel_clients",
            "Two hundred clients at once: each gets its whole response, also \
             when they\nsend their requests in the reverse order of \
             connecting.",
            parallel_clients,
        ),
    ]
}

fn last_connection_first(stage: &Stage) -> Outcome {
    let mut server = stage.start_without_cache()?;
    let mut clients = connect(AT_ONCE, || server.connect())?;
    while let Some(mut client) = clients.pop() {
        let number = clients.len() + 1;
        let response = client.ask(REQUEST).map_err(|why| {
            let silent = number - 1;
            format!(
                "client {number}, while {silent} earlier clients were silent: \
                 {why}\nThe server serves clients strictly in the order of \
                 connecting."
            )
        })?;
        check(number, &response)?;
    }
    server.check_alive()?;
    Ok(PASSED)
}

fn parallel_clients(stage: &Stage) -> Outcome {
    let mut server = stage.start_without_cache()?;
    let mut clients = connect(PARALLEL, || server.connect())?;
    for client in clients.iter_mut().rev() {
        client.send(REQUEST)?;
    }
    for (index, client) in clients.iter_mut().enumerate() {
        let number = index + 1;
        client
            .wait_for_end()
            .map_err(|why| format!("client {number} of {PARALLEL}: {why}"))?;
        let response = client.reader.responses.first();
        let response = response.ok_or_else(|| {
            format!("client {number} of {PARALLEL} got no response")
        })?;
        check(number, response)?;
    }
    server.check_alive()?;
    Ok(PASSED)
}

fn connect(
    count: usize,
    one: impl Fn() -> Result<Client, String>,
) -> Result<Vec<Client>, String> {
    (1..=count)
        .map(|number| one().map_err(|why| format!("client {number}: {why}")))
        .collect()
}

fn check(number: usize, response: &Response) -> Result<(), String> {
    if response.status == 200 && response.body == HELLO {
        return Ok(());
    }
    let (status, length) = (response.status, response.body.len());
    Err(format!("client {number} got status {status}, {length} bytes"))
}
