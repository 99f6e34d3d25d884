//! The command line.

use clap::Parser;

/// What each step buys: every stage compared with the floor and two known
/// servers.
///
/// Exit status: 0 if every figure was measured, 1 if one was not, 2 for an
/// invalid command line.
#[derive(Debug, Clone, Parser)]
#[command(name = "cargo bench -p conversations --", bin_name = "bench")]
// Independent command-line flags.
#[allow(clippy::struct_excessive_bools)]
pub struct Args {
    /// Servers to measure: floor, stage1 to stage6, nginx, lighttpd (default:
    /// all)
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub only: Vec<String>,

    /// Scenarios to measure (default: all)
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub scenario: Vec<String>,

    /// Number of rounds; each round measures every server once
    #[arg(long, value_name = "N", default_value = "5",
          value_parser = clap::value_parser!(u16).range(1..=100))]
    pub rounds: u16,

    /// Duration of each run's load
    #[arg(long, value_name = "SECONDS", default_value = "1",
          value_parser = clap::value_parser!(u16).range(1..=60))]
    pub seconds: u16,

    /// One short round of everything, to see whether it works
    #[arg(long, conflicts_with_all = ["rounds", "seconds", "publish"])]
    pub quick: bool,

    /// Make the load with the bench's own client, even if wrk is installed
    #[arg(long)]
    pub own_load: bool,

    /// Also measure this server; {port} and {root} are replaced
    #[arg(long, value_name = "COMMAND")]
    pub server: Vec<String>,

    /// Also write the tables and plots into the book
    #[arg(long)]
    pub publish: bool,

    /// List the scenarios
    #[arg(long)]
    pub list: bool,

    /// Passed by cargo
    #[arg(long, hide = true)]
    pub bench: bool,
}
