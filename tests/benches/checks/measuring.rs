//! Rounds, medians and ratios; the parsers of other programs' output.

use std::sync::Mutex;
use std::time::Duration;

use libtest_mimic::{Failed, Trial};

use super::same;
use crate::client::response::{Expected, Reader};
use crate::contender::{Contender, FLOOR, Kind, chosen, stages};
use crate::load::{Tool, read_wrk};
use crate::measure::{measure, median};
use crate::progress::Progress;
use crate::scenario::{Bench, Figure, Scenario, syscalls};
use crate::site::Site;

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("measure: in turn, ratios within a round", in_turn),
        Trial::test("measure: the median", middle),
        Trial::test("contender: selection by name", meant),
        Trial::test("client: responses in pieces", pieces),
        Trial::test("wrk: its report", wrk),
        Trial::test("strace: its table", strace),
    ]
}

static CALLED: Mutex<Vec<String>> = Mutex::new(Vec::new());

const TURNS: Scenario = Scenario {
    name: "turns",
    title: "",
    unit: "",
    who: |_| true,
    steps: &[7],
    rounds: usize::MAX,
    run: pretend,
    absent: || None,
};

/// The floor costs 1, 2, 3 in its rounds and `a` twice that; `b` fails.
fn pretend(
    contender: &Contender,
    _step: usize,
    _bench: &Bench,
) -> Result<Vec<Figure>, String> {
    let mut called = CALLED.lock().map_err(|e| e.to_string())?;
    called.push(contender.name.clone());
    let round = called.iter().filter(|n| **n == contender.name).count() as f64;
    let value = match contender.name.as_str() {
        FLOOR => round,
        "a" => round * 2.0,
        _ => return Err("wrong response".into()),
    };
    Ok(vec![Figure { value, ..Figure::default() }])
}

fn in_turn() -> Result<(), Failed> {
    let bench = Bench {
        site: Site::build()?,
        time: Duration::ZERO,
        tool: Tool::Own,
        quick: true,
    };
    let named = |name: &str| Contender { name: name.into(), kind: Kind::Floor };
    let all = [named(FLOOR), named("a"), named("b")];
    let rows = measure(&TURNS, &all, 3, &bench, &mut Progress::default());
    let called = CALLED.lock().map_err(|e| e.to_string())?.join(" ");
    same(called.as_str(), "floor a b floor a floor a")?;
    let [floor, a, b] = rows.as_slice() else {
        return Err(format!("{rows:?}").into());
    };
    same((floor.median, floor.low, floor.high), (2.0, 1.0, 3.0))?;
    same((a.median, a.ratio, a.rounds), (4.0, Some(2.0), 3))?;
    same(b.error.as_deref(), Some("wrong response"))
}

fn middle() -> Result<(), Failed> {
    same(median(&[]), 0.0)?;
    same(median(&[3.0, 1.0, 2.0]), 2.0)?;
    same(median(&[4.0, 1.0, 2.0, 3.0]), 2.5)
}

fn meant() -> Result<(), Failed> {
    let words = ["stage1".to_owned(), "nginx".to_owned()];
    same(chosen("stage1-blocking", &words), true)?;
    same(chosen("nginx", &words), true)?;
    same(chosen("stage10-more", &words), false)?;
    same(chosen("floor", &words), false)?;
    same(chosen("floor", &[]), true)?;
    let first = stages().first().cloned();
    same(first.as_deref(), Some("stage1-blocking"))
}

/// Three responses, the second with another Date, split after every `n` bytes.
fn pieces() -> Result<(), Failed> {
    let response = |second: u8| {
        format!(
            "HTTP/1.1 200 OK\r\nDate: 12:00:0{second}\r\n\
             content-length: 3\r\n\r\nabc"
        )
    };
    let stream = [response(1), response(2), response(2)].concat();
    for size in 1..=stream.len() {
        let mut expected = Expected::new(3);
        let mut reader = Reader::default();
        let mut responses = 0;
        for piece in stream.as_bytes().chunks(size) {
            responses += reader.take(piece, &mut expected)?;
        }
        same((size, responses, reader.rest()), (size, 3, 0))?;
    }
    Ok(())
}

fn wrk() -> Result<(), Failed> {
    let good = "Running 2s test\n  1 threads and 64 connections\n  \
                90182 requests in 2.10s, 116.40MB read\n";
    let done = read_wrk(good)?;
    same(done.responses, 90_182)?;
    same(done.elapsed, Duration::from_millis(2_100))?;
    for bad in [
        "  Socket errors: connect 0, read 3, write 0, timeout 0\n",
        "  Non-2xx or 3xx responses: 12\n",
    ] {
        if read_wrk(&format!("{good}{bad}")).is_ok() {
            return Err(format!("not rejected: {bad}").into());
        }
    }
    same(read_wrk("  0 requests in 2.10s, 0B read\n").is_err(), true)
}

fn strace() -> Result<(), Failed> {
    let table = "% time     seconds  usecs/call     calls    errors syscall\n\
        ------ ----------- ----------- --------- --------- ----------\n \
        50.00    0.000600           6       100           sendto\n \
        40.00    0.000500           5       200        99 recvfrom\n \
        10.00    0.000001           1         1           brk\n\
        ------ ----------- ----------- --------- --------- ----------\n\
        100.00    0.001101           3       301        99 total\n";
    let figure = syscalls::summary(table, 100);
    same(format!("{:.2}", figure.value).as_str(), "3.01")?;
    same(figure.note.as_str(), "recvfrom 2.00, sendto 1.00, brk 0.01")
}
