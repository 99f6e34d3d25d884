//! The suite, aimed at any server:
//! `SERVER='./mine --port {port} {root}' cargo test -p conversations`.

use std::env;
use std::process::ExitCode;

use conversations::{Stage, suite};

const WHAT_FOR: &str = "\
No SERVER is set, so there is nothing to aim at. To test a server of yours:

    SERVER='./mine --port {port} {root}' cargo test -p conversations

{port} is a free port of 127.0.0.1, {root} the folder to serve. STAGE=3 picks
the promises up to stage 3 (without it: 1). tests/README.md tells more.
";

fn main() -> ExitCode {
    let Ok(server) = env::var("SERVER") else {
        print!("{WHAT_FOR}");
        return ExitCode::SUCCESS;
    };
    let stage = env::var("STAGE").unwrap_or_else(|_| "1".into());
    if let Ok(number @ 1..=6) = stage.parse() {
        return suite::run(Stage::command(&server, number));
    }
    eprintln!("STAGE must be 1 to 6; it is `{stage}`");
    ExitCode::from(2)
}
