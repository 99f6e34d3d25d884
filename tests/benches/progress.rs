//! Progress, in one line on standard error.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Instant;

/// The progress line. A terminal overwrites it; otherwise there is one line per
/// scenario.
#[derive(Debug)]
pub struct Progress {
    begun: Instant,
    terminal: bool,
    last: String,
}

impl Default for Progress {
    fn default() -> Self {
        let terminal = io::stderr().is_terminal();
        Self { begun: Instant::now(), terminal, last: String::new() }
    }
}

impl Progress {
    /// Reports the run that begins.
    pub fn now(
        &mut self,
        scenario: &str,
        step: usize,
        server: &str,
        round: usize,
        rounds: usize,
    ) {
        let seconds = self.begun.elapsed().as_secs();
        if self.terminal {
            eprint!(
                "\r\x1b[K{seconds:4} s  {scenario} {step}: round {round} of \
                 {rounds}, {server}"
            );
        } else if self.last != scenario {
            eprintln!("{seconds:4} s  {scenario}");
        }
        scenario.clone_into(&mut self.last);
        let _ = io::stderr().flush();
    }

    /// Clears the line, before a table is printed.
    pub fn done(&self) {
        if self.terminal {
            eprint!("\r\x1b[K");
        }
    }
}
