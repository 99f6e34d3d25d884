//! The command line.

use clap::Parser;

/// What each idea buys: every stage against the floor and two known servers.
///
/// Exit status: 0 when every figure was taken, 1 when one was not, 2 for a
/// mistake on this line.
#[derive(Debug, Clone, Parser)]
#[command(name = "cargo bench -p conversations --", bin_name = "bench")]
// Each is a flag, and no state.
#[allow(clippy::struct_excessive_bools)]
pub struct Args {
    /// Who takes part: floor, stage1 to stage6, nginx, lighttpd
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub only: Vec<String>,

    /// What is measured; all, unless named
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub scenario: Vec<String>,

    /// How often each is measured, in turn with the others
    #[arg(long, value_name = "N", default_value = "5",
          value_parser = clap::value_parser!(u16).range(1..=100))]
    pub rounds: u16,

    /// For how long each run makes requests
    #[arg(long, value_name = "SECONDS", default_value = "1",
          value_parser = clap::value_parser!(u16).range(1..=60))]
    pub seconds: u16,

    /// One short round of everything: does it work?
    #[arg(long, conflicts_with_all = ["rounds", "seconds", "publish"])]
    pub quick: bool,

    /// Make the load with the bench's own client, even if wrk is installed
    #[arg(long)]
    pub own_load: bool,

    /// Measure this server too; {port} and {root} are filled in
    #[arg(long, value_name = "COMMAND")]
    pub server: Vec<String>,

    /// Write the tables and plots into the book, too
    #[arg(long)]
    pub publish: bool,

    /// Name the scenarios
    #[arg(long)]
    pub list: bool,

    /// Cargo says this by itself
    #[arg(long, hide = true)]
    pub bench: bool,
}
