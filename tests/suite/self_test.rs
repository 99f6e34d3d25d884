//! The tests of the test suite: a server with one fault must fail, with a
//! message that names the fault. The same server without a fault must pass.

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use conversations::runner::Pace;
use conversations::script::{self, Place};
use conversations::{Stage, built, cases, fixtures, suite};
use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let tests: [(&str, fn()); 11] = [
        ("a correct server passes", a_correct_server_passes),
        (
            "answering only the first of two is named",
            answering_only_the_first_of_two_is_named,
        ),
        ("bare line feeds are named", bare_line_feeds_are_named),
        ("one request per read is named", one_request_per_read_is_named),
        (
            "serving in the order of connecting is named",
            serving_in_the_order_of_connecting_is_named,
        ),
        (
            "a wrong response to a transfer is named, and ends it",
            a_wrong_response_to_a_transfer_is_named,
        ),
        (
            "an endless response ends the test",
            an_endless_response_ends_the_test,
        ),
        ("a server that spins is named", a_server_that_spins_is_named),
        (
            "a pooled server outlives the thread that started it",
            a_pooled_server_outlives_its_thread,
        ),
        ("a stale example is named", a_stale_example_is_named),
        (
            "a server that does not start is named",
            a_server_that_does_not_start_is_named,
        ),
    ];
    let trials = tests.map(|(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    let arguments = Arguments::from_args();
    let conclusion = libtest_mimic::run(&arguments, trials.into());
    fixtures::remove();
    conclusion.exit_code()
}

/// The mini server with this fault.
///
/// A faulty server makes tests time out, so the ceiling is low here. The server
/// without a fault never comes near its ceiling.
fn server(fault: &str) -> Stage {
    let program = env!("CARGO_BIN_EXE_mini-server");
    let line = format!("'{program}' --port {{port}} {fault}");
    let mut stage = Stage::command(&line, 1);
    stage.ceiling = Duration::from_secs(if fault.is_empty() { 20 } else { 2 });
    stage
}

/// Plays a script: the failure's text, or `None` if the server passes.
fn play(name: &str, fault: &str, pace: Pace) -> Option<String> {
    let (group, name) = name.split_once("::").unwrap();
    let file = Place {
        group: group.to_owned(),
        name: name.to_owned(),
        path: script::folder().join(format!("{group}/{name}.http")),
    };
    let script = file.load().unwrap();
    suite::run_script(name, &file, &script, &server(fault), pace)
        .err()
        .map(|failed| failed.message().unwrap_or("").to_owned())
}

/// Runs a Rust-coded test in the same way.
fn run_case(name: &str, fault: &str) -> Option<String> {
    let case = cases::all().into_iter().find(|c| c.name == name).unwrap();
    suite::run_case(&case, &server(fault))
        .err()
        .map(|failed| failed.message().unwrap_or("").to_owned())
}

#[track_caller]
fn expect_text(failure: Option<String>, parts: &[&str]) {
    let text = failure.expect("a server with this fault must not pass");
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing from:\n{text}");
    }
}

const TWO: &str = "pipelining::two-in-one-segment";
const LAST_FIRST: &str = "parallel::last_connection_first";

fn a_correct_server_passes() {
    assert_eq!(play(TWO, "", Pace::Whole), None);
    assert_eq!(play(TWO, "", Pace::ByteByByte), None);
    assert_eq!(run_case(LAST_FIRST, ""), None);
}

fn answering_only_the_first_of_two_is_named() {
    expect_text(
        play(TWO, "--fault first-only", Pace::Whole),
        &[
            "Two requests in one segment get two responses",
            "only 1 of 2 pipelined requests was answered",
            "waited 2 s for response 2 (1 arrived)",
        ],
    );
}

fn bare_line_feeds_are_named() {
    let fault = "--fault bare-lf";
    expect_text(
        play(TWO, fault, Pace::Whole),
        &["the response has lines that end in bare LF", "< HTTP/1.1 200 OK\\n"],
    );
    expect_text(run_case(LAST_FIRST, fault), &["bare LF"]);
}

fn one_request_per_read_is_named() {
    expect_text(
        play(TWO, "--fault one-read", Pace::ByteByByte),
        &["treated the result of one read() as the whole request"],
    );
}

fn serving_in_the_order_of_connecting_is_named() {
    expect_text(
        run_case(LAST_FIRST, "--fault in-order"),
        &[
            "client 50, while 49 earlier clients were silent",
            "The server serves clients strictly in the order of connecting.",
        ],
    );
}

fn a_wrong_response_to_a_transfer_is_named() {
    for name in ["fairness::beside_an_upload", "fairness::beside_a_download"] {
        let failure = run_case(name, "--fault not-implemented");
        expect_text(failure, &["501"]);
    }
}

fn an_endless_response_ends_the_test() {
    let failure = play(TWO, "--fault endless", Pace::Whole);
    assert!(failure.is_some());
}

fn a_server_that_spins_is_named() {
    let failure = run_case("idle_clients::no_wake_ups", "--fault spin");
    expect_text(failure, &["waited 2 s for the server to sleep", "processor"]);
    let failure = run_case("idle_clients::no_thread_each", "");
    expect_text(failure, &["with 200 connections it has", "threads"]);
}

fn a_pooled_server_outlives_its_thread() {
    let stage = server("");
    let started = std::thread::spawn(move || stage.start(&[]));
    // The thread has ended, and the server must still run.
    let mut server = started.join().unwrap().unwrap();
    for _ in 0..3 {
        server.check_alive().unwrap();
    }
}

fn a_stale_example_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let touch = |name: &str, seconds: u64| {
        let file = std::fs::File::create(path(name)).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        file.set_modified(time).unwrap();
    };
    touch("lab", 200);
    touch("a source.rs", 100);
    let source = path("a source.rs").display().to_string();
    let rules =
        format!("{}: {}\n", path("lab").display(), source.replace(' ', "\\ "));
    std::fs::write(path("lab.d"), rules).unwrap();
    assert_eq!(built::check(&path("lab"), "stage9"), Ok(()));
    touch("a source.rs", 300);
    for program in ["lab", "none"] {
        let why = built::check(&path(program), "stage9").unwrap_err();
        let command = "cargo build -p stage9 --examples";
        assert!(why.contains(command), "{why}");
    }
}

fn a_server_that_does_not_start_is_named() {
    expect_text(
        play(TWO, "--fault unheard-of", Pace::Whole),
        &["nothing listens on", "exit status: 2", "no fault `unheard-of`"],
    );
    let stage = Stage::command("/no/such/program {port}", 1);
    let case = cases::all().into_iter().find(|c| c.name == LAST_FIRST);
    let failed = suite::run_case(&case.unwrap(), &stage).err().unwrap();
    assert!(failed.message().unwrap_or("").contains("cannot start"));
}
