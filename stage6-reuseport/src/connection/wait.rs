//! For how long a connection waits.

use std::io;
use std::time::Duration;

use super::{Connection, State};
use crate::http::Status;
use crate::limits::Limits;
use crate::socket;
use crate::worker::Worker;

/// How long a connection that we close is read from.
const LINGER: Duration = Duration::from_secs(2);

/// One wait of a connection, for one thing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wait {
    since: Duration,
    /// When it was last known to get on.
    progress: Duration,
    /// By how many bytes it has got on.
    moved: u64,
    /// How many requests had been answered when it began.
    answered: u32,
    /// How many bytes had been sent before the answer it is about.
    settled: u64,
    /// How many bytes the kernel has taken from us, ever.
    pub(super) sent: u64,
}

impl Wait {
    /// A wait that begins.
    pub(super) fn new(now: Duration) -> Self {
        let (since, progress) = (now, now);
        Self { since, progress, moved: 0, answered: 0, settled: 0, sent: 0 }
    }

    /// Notes that it has got on by `moved` bytes since it began.
    fn reach(&mut self, moved: u64, now: Duration) {
        if moved > self.moved {
            (self.moved, self.progress) = (moved, now);
        }
    }

    /// Notes that it has got on by `count` more bytes.
    pub(super) fn add(&mut self, count: usize, now: Duration) {
        self.reach(self.moved + count as u64, now);
    }

    /// Until when the wait may last. A head has a fixed time from its first
    /// byte, however its bytes drip in. Content and answers may take as long
    /// as they get on, but once their time has passed, only if they have got
    /// on at the least rate since the wait began.
    fn deadline(&self, state: State, limits: &Limits) -> Duration {
        let time = match state {
            State::New => limits.first,
            State::ReadingHead => limits.head,
            State::Idle => limits.idle,
            State::ReadingBody => limits.body,
            State::Writing => limits.write,
            State::Draining | State::Closed => LINGER,
        };
        match state {
            State::ReadingBody | State::Writing => {
                let earned = self.moved.checked_div(limits.min_rate);
                let earned = earned.unwrap_or(u64::from(u32::MAX));
                let slowest = self.since + Duration::from_secs(earned);
                slowest.min(self.progress) + time
            }
            _ => self.since + time,
        }
    }
}

impl Connection {
    /// Goes over to waiting for what comes next. It is another wait if it is
    /// for something else, or for another request: who sends one request after
    /// the other has time for each of them.
    pub(super) fn enter(
        &mut self,
        next: io::Result<State>,
        worker: &mut Worker,
    ) {
        let next = next.unwrap_or_else(|error| {
            log::info!("a connection ends: {error}");
            self.exchange.end_transfer(worker);
            State::Closed
        });
        let answered = self.exchange.answered();
        let writing = next == State::Writing;
        if self.state != next || (self.wait.answered != answered && !writing) {
            let Wait { settled, sent, .. } = self.wait;
            let settled = if writing { settled } else { sent };
            self.wait =
                Wait { answered, settled, sent, ..Wait::new(worker.now) };
        }
        self.state = next;
    }

    /// Tells the client that there is no room for it.
    pub fn turn_away(&mut self, worker: &mut Worker) {
        self.exchange.turn_away(worker);
        let next = self.write(worker);
        self.enter(next, worker);
    }

    /// Until when it may wait, as far as we know.
    #[must_use]
    pub fn deadline(&self, limits: &Limits) -> Duration {
        self.wait.deadline(self.state, limits)
    }

    /// Sees to a deadline that has come. Nothing happens if it has moved.
    ///
    /// What the kernel has taken from us is no progress: it takes megabytes,
    /// and asks for more only when a third of that is free, which a slow client
    /// may not reach in time. What the client has acknowledged is, and the
    /// kernel tells that when it is asked. So it is asked now and at no other
    /// time.
    pub fn expire(&mut self, worker: &mut Worker) {
        if self.state == State::Writing {
            let waiting = socket::unacknowledged(&self.socket);
            let moved =
                self.wait.sent.saturating_sub(self.wait.settled + waiting);
            self.wait.reach(moved, worker.now);
        }
        if self.deadline(&worker.limits) > worker.now {
            return;
        }
        log::info!("time is over: {:?}", self.state);
        self.leave(worker);
    }

    /// Whether it is between requests, as far as we know.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.state == State::Idle && !self.can_advance()
    }

    /// Whether it has a request or an answer under way.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        use State::{ReadingBody, ReadingHead, Writing};
        matches!(self.state, ReadingHead | ReadingBody | Writing)
    }

    /// Breaks off the answer that is under way. The client hears of it by a
    /// reset, and what the kernel has still to send is thrown away.
    pub fn cut_off(&mut self, worker: &mut Worker) {
        self.exchange.end_transfer(worker);
        socket::abandon(&self.socket);
    }

    /// Ends the connection: half a request is answered with 408, one that is
    /// between requests ends without a word, and who does not read or does
    /// not leave is left.
    pub fn leave(&mut self, worker: &mut Worker) {
        let next = match self.state {
            State::Writing => {
                self.cut_off(worker);
                Ok(State::Closed)
            }
            State::Draining | State::Closed => Ok(State::Closed),
            _ => {
                self.exchange.cut_short(Status::REQUEST_TIMEOUT, worker);
                self.write(worker)
            }
        };
        self.enter(next, worker);
    }
}
