//! For how long a connection waits.

use std::io;
use std::time::Duration;

use super::{Connection, State};
use crate::context::Context;
use crate::http::Status;
use crate::limits::Limits;
use crate::socket;

/// How long a connection that we close is read from.
const LINGER: Duration = Duration::from_secs(2);

/// One wait of a connection, for one thing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wait {
    since: Duration,
    /// When it was last known to get on.
    last_progress: Duration,
    /// By how many bytes it has got on.
    progressed: u64,
    /// How many requests had been answered when it began.
    responses: u32,
    /// How many bytes had been sent before the answer it is about.
    sent_before: u64,
    /// How many bytes the kernel has taken from us, ever.
    pub(super) sent: u64,
}

impl Wait {
    /// A wait that begins.
    pub(super) fn new(now: Duration) -> Self {
        let (since, last_progress) = (now, now);
        Self {
            since,
            last_progress,
            progressed: 0,
            responses: 0,
            sent_before: 0,
            sent: 0,
        }
    }

    /// Notes that it has got on by `progressed` bytes since it began.
    fn record_total(&mut self, progressed: u64, now: Duration) {
        if progressed > self.progressed {
            (self.progressed, self.last_progress) = (progressed, now);
        }
    }

    /// Notes that it has got on by `count` more bytes.
    pub(super) fn record(&mut self, count: usize, now: Duration) {
        self.record_total(self.progressed + count as u64, now);
    }

    /// Until when the wait may last. A head has a fixed time from its first
    /// byte, however its bytes drip in. Content and answers may take as long
    /// as they get on, but once their time has passed, only if they have got
    /// on at the least rate since the wait began.
    fn deadline(&self, state: State, limits: &Limits) -> Duration {
        let time = match state {
            State::New => limits.first_byte,
            State::ReadingHead => limits.head,
            State::Idle => limits.idle,
            State::ReadingBody => limits.body,
            State::Writing => limits.write,
            State::Lingering | State::Closed => LINGER,
        };
        match state {
            State::ReadingBody | State::Writing => {
                let earned = self.progressed.checked_div(limits.min_rate);
                let earned = earned.unwrap_or(u64::from(u32::MAX));
                let slowest = self.since + Duration::from_secs(earned);
                slowest.min(self.last_progress) + time
            }
            _ => self.since + time,
        }
    }
}

impl Connection {
    /// Goes over to waiting for what comes next. It is another wait if it is
    /// for something else, or for another request: who sends one request after
    /// the other has time for each of them.
    pub(super) fn transition(
        &mut self,
        next: io::Result<State>,
        context: &mut Context,
    ) {
        let next = next.unwrap_or_else(|error| {
            log::info!("a connection ends: {error}");
            self.exchange.end_transfer(context);
            State::Closed
        });
        let responses = self.exchange.responses();
        let writing = next == State::Writing;
        if self.state != next || (self.wait.responses != responses && !writing)
        {
            let Wait { sent_before, sent, .. } = self.wait;
            let sent_before = if writing { sent_before } else { sent };
            self.wait =
                Wait { responses, sent_before, sent, ..Wait::new(context.now) };
        }
        self.state = next;
    }

    /// Tells the client that there is no room for it.
    pub fn reject_overload(&mut self, context: &mut Context) {
        self.exchange.reject_overload(context);
        let next = self.write(context);
        self.transition(next, context);
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
    pub fn expire(&mut self, context: &mut Context) {
        if self.state == State::Writing {
            let waiting = socket::unacknowledged(&self.socket);
            let progressed =
                self.wait.sent.saturating_sub(self.wait.sent_before + waiting);
            self.wait.record_total(progressed, context.now);
        }
        if self.deadline(&context.limits) > context.now {
            return;
        }
        log::info!("time is over: {:?}", self.state);
        self.terminate(context);
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
    pub fn abort(&mut self, context: &mut Context) {
        self.exchange.end_transfer(context);
        socket::abort(&self.socket);
    }

    /// Ends the connection: half a request is answered with 408, one that is
    /// between requests ends without a word, and who does not read or does
    /// not leave is left.
    pub fn terminate(&mut self, context: &mut Context) {
        let next = match self.state {
            State::Writing => {
                self.abort(context);
                Ok(State::Closed)
            }
            State::Lingering | State::Closed => Ok(State::Closed),
            _ => {
                self.exchange.end_early(Status::REQUEST_TIMEOUT, context);
                self.write(context)
            }
        };
        self.transition(next, context);
    }
}
