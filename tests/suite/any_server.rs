//! Runs the suite against any server: `SERVER='./mine --port {port} {root}'
//! cargo test -p conversations`.

use std::env;
use std::process::ExitCode;

use conversations::{Stage, suite};

const USAGE: &str = "\
SERVER is not set, so there is no server to test. To test yours:

    SERVER='./mine --port {port} {root}' cargo test -p conversations

{port} is a free port of 127.0.0.1, {root} the directory to serve. STAGE=3 runs
the tests up to stage 3 (default: 1). See tests/README.md.
";

fn main() -> ExitCode {
    let Ok(server) = env::var("SERVER") else {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    };
    let stage = env::var("STAGE").unwrap_or_else(|_| "1".into());
    if let Ok(number @ 1..=6) = stage.parse() {
        return suite::run(Stage::command(&server, number));
    }
    eprintln!("STAGE must be 1 to 6; it is `{stage}`");
    ExitCode::from(2)
}
