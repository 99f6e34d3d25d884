//! What each step buys: `cargo bench -p conversations`.

// The counts here are far below 2^52, where the lint's concern begins.
#![allow(clippy::cast_precision_loss)]

mod args;
mod checks;
mod client;
mod contender;
mod cpu;
mod csv;
mod floor;
mod idle_and_slow;
mod load;
mod machine;
mod measure;
mod pin;
mod plot;
mod progress;
mod publish;
mod scenario;
mod server;
mod site;
mod table;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;

use args::Args;
use contender::Field;
use load::Tool;
use progress::Progress;
use publish::Outcome;
use scenario::{Bench, Scenario};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == "floor") {
        return match floor::run(&words[1..]) {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                eprintln!("floor: {why}");
                ExitCode::from(2)
            }
        };
    }
    // Cargo passes this flag for `cargo bench` and not for `cargo test`.
    if !words.iter().any(|word| word == "--bench") {
        return checks::run();
    }
    let args = Args::parse();
    if args.list {
        for scenario in scenario::ALL {
            println!("{:<10} {}", scenario.name, scenario.title);
        }
        return ExitCode::SUCCESS;
    }
    match run(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(why) => {
            eprintln!("bench: {why}");
            ExitCode::from(2)
        }
    }
}

/// Returns whether every figure was measured.
fn run(args: &Args) -> Result<bool, String> {
    let scenarios = choose(&args.scenario)?;
    pin::processors();
    conversations::process::allow_descriptors(1024)?;
    eprintln!("building the stages, optimised");
    let field = contender::field(&args.only, &args.server);
    if field.contenders.is_empty() {
        return Err("no server to measure: see --help".into());
    }
    let warning = machine::warning();
    for line in field.absent.iter().chain(&field.broken).chain(&warning) {
        eprintln!("{line}");
    }
    let bench = bench(args)?;
    let head = machine::describe(&field.contenders, bench.tool.name());
    let rounds = if args.quick { 1 } else { usize::from(args.rounds) };
    let results = measure(&scenarios, &field, rounds, &bench);
    let folder = contender::target().join("bench");
    publish::write(&folder, &head, &results)?;
    println!("\nwritten to {}", folder.display());
    let failed = |r: &Outcome| r.rows.iter().any(|row| row.error.is_some());
    let good = field.broken.is_empty() && !results.iter().any(failed);
    if args.publish && good {
        let book = contender::workspace().join("book/src/bench");
        publish::write(&book, &head, &results)?;
        println!("written to {}", book.display());
    } else if args.publish {
        eprintln!("not published: figures are missing");
    }
    Ok(good)
}

fn measure(
    scenarios: &[&'static Scenario],
    field: &Field,
    rounds: usize,
    bench: &Bench,
) -> Vec<Outcome> {
    let mut progress = Progress::default();
    let mut results = Vec::new();
    for scenario in scenarios {
        if let Some(why) = (scenario.absent)() {
            println!("\n{}\n  left out: {why}", scenario.title);
            continue;
        }
        let field = &field.contenders;
        let rows =
            measure::measure(scenario, field, rounds, bench, &mut progress);
        progress.done();
        if rows.is_empty() {
            println!("\n{}\n  left out: no server supports it", scenario.title);
            continue;
        }
        print!("{}", table::show(scenario, &rows));
        results.push(Outcome { scenario, rows });
    }
    results
}

fn choose(names: &[String]) -> Result<Vec<&'static Scenario>, String> {
    let known = |name: &str| scenario::ALL.iter().any(|s| s.name == name);
    if let Some(name) = names.iter().find(|name| !known(name)) {
        return Err(format!("there is no scenario `{name}`: see --list"));
    }
    let all = scenario::ALL.iter();
    let wanted = |s: &&Scenario| {
        names.is_empty() || names.iter().any(|name| name == s.name)
    };
    Ok(all.filter(wanted).collect())
}

fn bench(args: &Args) -> Result<Bench, String> {
    let wrk = contender::find("wrk").filter(|_| !args.own_load && !args.quick);
    let tool = wrk.map_or(Tool::Own, Tool::Wrk);
    eprintln!("load: {}", tool.name());
    let time = if args.quick {
        Duration::from_millis(150)
    } else {
        Duration::from_secs(args.seconds.into())
    };
    let site = site::Site::build().map_err(|e| e.to_string())?;
    Ok(Bench { site, time, tool, quick: args.quick })
}
