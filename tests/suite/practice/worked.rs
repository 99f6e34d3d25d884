//! The bug that the book's page "Bug hunting" works through: what its author
//! saw is what the planted bug still does.

use std::path::Path;

use conversations::fixtures;
use conversations::large::connect_with_small_buffer;
use conversations::process;
use conversations::report;
use conversations::snapshot::{HOW_TO_ACCEPT, Slot, Verdict};
use conversations::stage::{Launch, Stage};
use conversations::variant::lock;
use conversations::variant::stages::Ladder;
use conversations::wire::Client;

const BUG: &str = "forgotten-request";

/// A file that does not fit into the buffers of both sides, and one that does.
const LARGE: &[u8] = b"GET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n";
const SMALL: &[u8] = b"GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n";

/// A client requests a large file, then a small one, and only then reads.
#[test]
fn forgotten_request() -> Result<(), String> {
    let ladder = Ladder::find(Path::new(env!("CARGO_MANIFEST_DIR")))?;
    let tasks = ladder.tasks()?;
    let task = &tasks[BUG];
    let _alone = lock(&ladder.root)?;
    let variant = task.start(&ladder)?;
    variant.write(&variant.folder())?;
    variant.build_checks(&[&task.check()])?;
    let program = variant.program().display().to_string();
    let words = vec!["RUST_LOG=trace".to_owned(), program];
    let launch = Launch::Program("env".into(), words);
    let stage = Stage { launch, ..Stage::program("", &task.stage.name) };
    fixtures::site().big().map_err(|error| error.to_string())?;
    let server = stage.start(&["--quiet"])?;
    let asleep = || process::until_asleep(server.pid(), stage.ceiling);
    // A small window is soon full, and stays full: IN comes without OUT.
    let client = connect_with_small_buffer(&server)?;
    let client = Client::adopt(client, stage.ceiling);
    let mut client = client.map_err(|error| error.to_string())?;
    asleep()?;
    client.send(LARGE)?;
    asleep()?;
    client.send(SMALL)?;
    asleep()?;
    client.wait_for_responses(1)?;
    asleep()?;
    fixtures::remove();
    let client = client.local_addr().map_err(|error| error.to_string())?;
    check("queues", &queues(server.address().port(), client.port())?)?;
    let lines = server.stderr.so_far();
    let begin = lines.iter().position(|line| line.contains("127.0.0.1"));
    let lines = lines.get(begin.unwrap_or(0)..).unwrap_or_default();
    check("trace", &told(lines))
}

/// The queues of the server's socket, as ss(8) would show them
/// (`proc_pid_net(5)`, `/proc/net/tcp`).
fn queues(server: u16, client: u16) -> Result<String, String> {
    let table = std::fs::read_to_string("/proc/net/tcp");
    let table = table.map_err(|error| error.to_string())?;
    let (local, remote) = (format!(":{server:04X}"), format!(":{client:04X}"));
    for line in table.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if let [_, from, to, "01", both, ..] = fields.as_slice()
            && from.ends_with(&local)
            && to.ends_with(&remote)
            && let Some((send, receive)) = both.split_once(':')
        {
            let bytes = |hex| u32::from_str_radix(hex, 16).unwrap_or(0);
            let (send, receive) = (bytes(send), bytes(receive));
            return Ok(format!(
                "State  Recv-Q  Send-Q\nESTAB  {receive:6}  {send:6}"
            ));
        }
    }
    Err(format!("no connection from {client} to {server} in:\n{table}"))
}

/// The trace without what differs from run to run: the time, the counts, and
/// how many iterations a download takes. Each line is told once.
fn told(lines: &[String]) -> String {
    let mut kept: Vec<String> = Vec::new();
    for line in lines {
        let line = line.split_once("] ").map_or(line.as_str(), |(_, it)| it);
        let mut words: Vec<String> = Vec::new();
        for word in line.split(' ') {
            let digits = word.trim_end_matches([':', ',']);
            let sent =
                line.contains("run") && words.ends_with(&["sent".into()]);
            let number = digits.parse::<u64>().is_ok_and(|it| it > 99 || sent);
            words.push(if number {
                word.replace(digits, "N")
            } else {
                word.to_owned()
            });
        }
        let line = words.join(" ");
        if !kept.contains(&line) {
            kept.push(line);
        }
    }
    kept.join("\n")
}

fn check(name: &str, got: &str) -> Result<(), String> {
    let slot = Slot { group: "practice".into(), name: name.into() };
    match slot.check("A request is forgotten: the book tells how.", got) {
        Verdict::Same => Ok(()),
        Verdict::Missing => {
            Err(format!("no snapshot:\n{got}\n{HOW_TO_ACCEPT}"))
        }
        Verdict::Differs(old) => Err(report::difference(&old, got)),
    }
}
