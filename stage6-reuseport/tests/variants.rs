//! Aims the shared suite at the other servers of this stage, `examples/`: they
//! keep the promises of the stage, but for those that they leave out. And what
//! such a server is made for: a slow file stops nobody else.

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use conversations::server::{Server, pool};
use conversations::stage::{Launch, TRACING, can_trace, skip};
use conversations::wire::Client;
use conversations::{Outcome, PASSED, Stage, built, fixtures, process, suite};
use libtest_mimic::{Arguments, Trial};

/// The servers, as far as this stage has them.
const VARIANTS: [&str; 2] = ["file_pool", "oneshot_pool"];

/// How many threads each of them has for its clients.
const THREADS: usize = 4;

/// What they leave out, and what does not hold for them.
const LEFT_OUT: [&str; 13] = [
    // The end in good order, and so the call that prepares it.
    "signal::",
    "fault::starting",
    "fault::optional",
    // The descriptor in reserve.
    "limits::descriptors",
    // A `write` that fails is also that to the eventfd, which can't fail so.
    "fault::log",
    "access_log::disk_full",
    // They have no signalfd: SIGHUP ends them, and process 1 is up to its parent.
    "reopen::",
    "process_one::",
    // Snapshots that have the name of a stage.
    "help::",
    "truth::kernel",
    "truth::syscalls",
    "every snapshot",
    // Other people's programs have nothing new to say to them.
    "tools::",
];

/// How long each `pread64` takes, in microseconds: what is answered meanwhile
/// needs a thousandth of it.
const DELAY: u32 = 5_000_000;

const SLOW: &[u8] = b"GET /hello.txt HTTP/1.1\r\nHost: slow\r\n\r\n";
const NO_FILE: &[u8] = b"OPTIONS * HTTP/1.1\r\nHost: quick\r\n\r\n";

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Fewer than in the stage's own run: byte by byte each byte takes two passes
    // between threads, and the deadlines are as they are.
    arguments.test_threads.get_or_insert(6);
    let binary =
        Path::new(env!(concat!("CARGO_BIN_EXE_", env!("CARGO_PKG_NAME"))));
    let name = env!("CARGO_PKG_NAME");
    let stage = Stage::program(binary, name);
    let mut trials = Vec::new();
    if stage.number == 5 {
        // Of several loops it stops one.
        let name = "one_slow_file_stops_the_stage";
        trials.push(slow_file(name, &stage, 1, false));
    }
    for variant in VARIANTS.into_iter().filter(|name| exists(name)) {
        let path = binary.with_file_name("examples").join(variant);
        // All of them stand on the library of stage 5.
        let mut stage = Stage::program(path, "stage5-timers");
        variant.clone_into(&mut stage.name);
        trials.extend(promises(stage));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    pool::end();
    fixtures::remove();
    conclusion.exit_code()
}

/// Whether this stage has the variant: as a file, or as a folder of files.
fn exists(variant: &str) -> bool {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    examples.join(variant).is_dir()
        || examples.join(variant).with_extension("rs").is_file()
}

/// All that one of them promises, with its name in brackets before each test.
fn promises(variant: Stage) -> Vec<Trial> {
    let built = match &variant.launch {
        Launch::Program(path, _) => built::check(path, env!("CARGO_PKG_NAME")),
        Launch::Command(_) => Ok(()),
    };
    let kept = |trial: &Trial| {
        let name = trial.name();
        // Tiny I/O tests the library, and takes longest.
        !name.ends_with(" with tiny I/O")
            && !LEFT_OUT.iter().any(|prefix| name.starts_with(prefix))
    };
    let few = "a_slow_file_stops_nobody";
    let many = "as_many_slow_files_as_threads_stop_all";
    let own = [
        slow_file(few, &variant, THREADS - 1, true),
        slow_file(many, &variant, THREADS, false),
    ];
    let name = variant.name.clone();
    let shared = suite::trials(&Arc::new(variant));
    let all = shared.into_iter().filter(kept).chain(own);
    let all = all.map(|trial| trial.with_kind(&name));
    match built {
        Ok(()) => all.collect(),
        Err(why) => all.map(|trial| fails(&trial, &why)).collect(),
    }
}

/// A test of the same name that fails at once.
fn fails(trial: &Trial, why: &str) -> Trial {
    let why = why.to_owned();
    let failing = Trial::test(trial.name(), || Err(why.into()));
    failing.with_kind(trial.kind())
}

/// A test that `slow` clients wait for a file, and that one who needs no file
/// is answered before them, or is not.
fn slow_file(
    name: &str,
    stage: &Stage,
    slow: usize,
    before_them: bool,
) -> Trial {
    let (title, stage) = (format!("variants::{name}"), stage.clone());
    Trial::ignorable_test(title.clone(), move || {
        if !can_trace() {
            return skip(&title, TRACING);
        }
        let before = overtakes(&stage, slow)?;
        judge(&stage.name, slow, before, before_them)
    })
}

fn judge(name: &str, slow: usize, before: bool, expected: bool) -> Outcome {
    if before == expected {
        return Ok(PASSED);
    }
    let when = if before { "before" } else { "after" };
    let who = format!("{slow} that wait for a file of a slow disk");
    Err(format!("{name} answered OPTIONS {when} {who}").into())
}

/// Has `slow` clients ask for a file, and when all of them wait for the disk,
/// one more ask for something else. Returns whether it was answered first.
fn overtakes(stage: &Stage, slow: usize) -> Result<bool, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let trace = folder.path().join("trace");
    let server = on_a_slow_disk(stage, &trace)?;
    let mut waiting = Vec::new();
    for _ in 0..slow {
        let mut client = server.connect()?;
        client.send(SLOW)?;
        waiting.push(client);
    }
    let reading = || {
        let text = fs::read_to_string(&trace).unwrap_or_default();
        text.matches("pread64(").count()
    };
    // A server of one thread reads for one of them at a time.
    process::until("reads of the file", stage.ceiling, || reading() >= slow)?;
    // They go on talking. Nobody must be woken for that who would then wait.
    for client in &mut waiting {
        client.send(NO_FILE)?;
    }
    let mut quick = server.connect()?;
    let answer = quick.ask(NO_FILE)?;
    let first = waiting.iter_mut().all(nothing_came);
    let mut wrong = answer.status != 204;
    for client in &mut waiting {
        client.wait_for_responses(2)?;
        let responses = client.reader.responses.iter();
        wrong |= !responses.map(|answer| answer.status).eq([200, 204]);
    }
    if wrong {
        return Err("another answer than 200 for the file, 204 for `*`".into());
    }
    Ok(first)
}

/// Takes what is there, and does not wait.
fn nothing_came(client: &mut Client) -> bool {
    client.wait_for("nothing", |_| true).is_ok() && client.received.is_empty()
}

/// A server for whom each read of the file takes as long as [`DELAY`], and says
/// in `trace` when it begins.
fn on_a_slow_disk(stage: &Stage, trace: &Path) -> Result<Server, String> {
    let inject = format!("inject=pread64:delay_enter={DELAY}");
    // Only of this file: to load a program takes some reads as well.
    let file = fixtures::site().root().join("hello.txt");
    let words = ["-f", "-e", "trace=pread64", "-e", &inject, "-P"];
    let mut before: Vec<String> = words.map(str::to_owned).into();
    before.push(file.to_string_lossy().into_owned());
    before.push("-o".into());
    before.push(trace.to_string_lossy().into_owned());
    before.push(stage.binary()?.to_string_lossy().into_owned());
    let launch = Launch::Program("strace".into(), before);
    Stage { launch, ..stage.clone() }.start_plain(&[])
}
