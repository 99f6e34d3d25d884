//! Collects the lines that a child prints while the test runs.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// The lines so far, and ways to wait for more.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    shared: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<String>,
    ended: bool,
    stop: bool,
    paused: bool,
}

impl Lines {
    /// Reads `source` to its end on a separate thread.
    #[must_use]
    pub fn of(source: impl Read + Send + 'static) -> Self {
        let lines = Self::default();
        let shared = Arc::clone(&lines.shared);
        thread::spawn(move || {
            let mut source = BufReader::new(source);
            let mut line = Vec::new();
            while source.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
                let text = String::from_utf8_lossy(&line);
                let text = text.trim_end_matches('\n').to_owned();
                line.clear();
                let (state, changed) = &*shared;
                let mut state = lock(state);
                state.lines.push(text);
                changed.notify_all();
                if state.stop {
                    break;
                }
                while state.paused {
                    state = changed
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                }
            }
            // Closed first: waiters for the end rely on that.
            drop(source);
            let (state, changed) = &*shared;
            lock(state).ended = true;
            changed.notify_all();
        });
        lines
    }

    /// Stops reading after the next line, and closes the pipe.
    pub fn stop(&self) {
        lock(&self.shared.0).stop = true;
    }

    /// `true` stops reading after the next line and leaves the pipe open;
    /// `false` resumes.
    pub fn pause(&self, paused: bool) {
        let (state, changed) = &*self.shared;
        lock(state).paused = paused;
        changed.notify_all();
    }

    /// Whether the output has ended, or we have stopped reading it.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        lock(&self.shared.0).ended
    }

    /// The lines so far.
    #[must_use]
    pub fn so_far(&self) -> Vec<String> {
        lock(&self.shared.0).lines.clone()
    }

    /// Waits until there are `count` lines, the output ends, or `ceiling` has
    /// passed; returns the lines so far.
    #[must_use]
    pub fn wait_for(&self, count: usize, ceiling: Duration) -> Vec<String> {
        self.wait_until(ceiling, |state| state.lines.len() >= count)
    }

    /// Waits until the output ends, as it does when the child exits.
    #[must_use]
    pub fn wait_for_end(&self, ceiling: Duration) -> Vec<String> {
        self.wait_until(ceiling, |_| false)
    }

    fn wait_until(
        &self,
        ceiling: Duration,
        done: impl Fn(&State) -> bool,
    ) -> Vec<String> {
        let deadline = Instant::now() + ceiling;
        let (state, changed) = &*self.shared;
        let mut state = lock(state);
        loop {
            let remaining = deadline.saturating_duration_since(Instant::now());
            if done(&state) || state.ended || remaining.is_zero() {
                return state.lines.clone();
            }
            let waited = changed.wait_timeout(state, remaining);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
