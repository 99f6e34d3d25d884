//! How long a connection may wait, and what counts as progress.

use std::io;
use std::time::Duration;

use super::{Connection, State};
use crate::context::Context;
use crate::http::Status;
use crate::limits::Limits;
use crate::socket;

/// How long a lingering close may take.
const LINGER: Duration = Duration::from_secs(2);

/// One wait of a connection: from entering a state until leaving it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wait {
    since: Duration,
    /// When progress was last seen.
    last_progress: Duration,
    /// Bytes of progress since the wait began.
    progressed: u64,
    /// Responses completed when the wait began.
    responses: u32,
    /// `sent` when this wait began: bytes before it are not its progress.
    sent_before: u64,
    /// Bytes the kernel has accepted on this connection in all.
    pub(super) sent: u64,
}

impl Wait {
    /// A wait that begins now.
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

    /// Records that progress has reached `progressed` bytes in all.
    fn record_total(&mut self, progressed: u64, now: Duration) {
        if progressed > self.progressed {
            (self.progressed, self.last_progress) = (progressed, now);
        }
    }

    /// Records `count` more bytes of progress.
    pub(super) fn record(&mut self, count: usize, now: Duration) {
        self.record_total(self.progressed + count as u64, now);
    }

    /// When the wait times out. A head has a fixed time from its first byte,
    /// however its bytes trickle in. A body or a response may take as long as
    /// it makes progress: each `min_rate` bytes buy one second, with the
    /// time-out on top, and no pause may be longer than the time-out. With 1
    /// KiB/s and 30 s, 60 KiB last until second 90, unless they stand still.
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
    /// Enters the next state. A new wait begins if the state differs, or if the
    /// wait is for another request: each request gets its full time. Only
    /// `Writing` continues across responses: a client that reads nothing is in
    /// one long wait, however many responses are queued for it.
    pub(super) fn transition(
        &mut self,
        next: io::Result<State>,
        context: &mut Context,
    ) {
        let next = next.unwrap_or_else(|error| {
            log::info!("connection closed: {error}");
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

    /// Rejects the connection with 503 Service Unavailable.
    pub fn reject_overload(&mut self, context: &mut Context) {
        self.exchange.reject_overload(context);
        let next = self.write(context);
        self.transition(next, context);
    }

    /// When its current wait times out, as far as we know.
    #[must_use]
    pub fn deadline(&self, limits: &Limits) -> Duration {
        self.wait.deadline(self.state, limits)
    }

    /// Handles an expired timer. Nothing happens if the deadline has moved.
    ///
    /// Bytes that the kernel has accepted are not progress: it buffers
    /// megabytes, and asks for more only when a third of the buffer is free,
    /// which a slow client may not reach in time. Acknowledged bytes are
    /// progress. The kernel reports them when asked, so we ask now, and only
    /// now.
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
        log::info!("connection timed out in state {:?}", self.state);
        self.terminate(context);
    }

    /// Whether it is idle between requests, as far as we know.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.state == State::Idle && !self.can_advance()
    }

    /// Whether a request or a response is in flight.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        use State::{ReadingBody, ReadingHead, Writing};
        matches!(self.state, ReadingHead | ReadingBody | Writing)
    }

    /// Aborts the response in progress with a reset (RST). The kernel discards
    /// what it has not sent yet.
    pub fn abort(&mut self, context: &mut Context) {
        self.exchange.end_transfer(context);
        socket::abort(&self.socket);
    }

    /// Terminates the connection: a partial request gets 408, an idle
    /// connection is closed silently, and a client that will not read its
    /// response, or will not close, is disconnected.
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
