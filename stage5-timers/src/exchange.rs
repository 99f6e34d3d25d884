//! One conversation: requests in, answers out, still without a socket.
//!
//! Bytes come in as they were received; what is to be sent lies in `output`,
//! and behind it, for a large file, in `transfer`. Moving the bytes is the
//! connection's business, and that is where the stages differ.

use std::io;
use std::net::IpAddr;
use std::time::Instant;

use crate::context::Context;
use crate::http::{Receiver, Status, Step};
use crate::transfer::{Outgoing, Transfer};

/// With so many bytes waiting to be sent, no further request is answered:
/// a client that does not read must not fill our memory.
const HIGH_WATER: usize = 64 * 1024;

/// The interim answer to a client that asks whether to send its content.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// The answer to a client for whom there is no room. It has no content, which
/// the answer to HEAD must not have: the request is not looked at.
const OVERLOAD_RESPONSE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    Content-Length: 0\r\nRetry-After: 1\r\nConnection: close\r\n\r\n";

/// An output buffer that has grown beyond this is not kept for the next.
const MAX_KEPT: usize = 4 * HIGH_WATER;

/// The state of one conversation.
pub struct Exchange {
    pub(crate) client: IpAddr,
    receiver: Receiver,
    /// Bytes received and not yet understood, or not yet answered.
    input: Vec<u8>,
    /// What is to be sent; the first `sent` bytes of it have been.
    pub output: Vec<u8>,
    pub(crate) sent: usize,
    /// What is to be sent after it.
    pub transfer: Option<Box<Transfer>>,
    /// Whether no further answer follows what is being sent.
    pub(crate) last: bool,
    /// How many requests have been answered.
    pub(crate) responses: u32,
    /// Whether the client has said that it sends no more.
    input_ended: bool,
}

impl Exchange {
    /// A conversation with `client` that has not begun.
    #[must_use]
    pub fn new(client: IpAddr) -> Self {
        Self {
            client,
            receiver: Receiver::default(),
            input: Vec::new(),
            output: Vec::new(),
            sent: 0,
            transfer: None,
            last: false,
            responses: 0,
            input_ended: false,
        }
    }

    /// Takes in `count` bytes that `recv` has put into the worker's space, and
    /// answers the requests they complete, as far as there is room. With 0 it
    /// goes on with what had to wait.
    ///
    /// Nearly always these bytes are whole requests. Then they are read where
    /// they are, and the connection has no memory of its own for them.
    pub fn receive(&mut self, count: usize, context: &mut Context) {
        context.received += count;
        let recv_buffer = std::mem::take(&mut context.recv_buffer);
        let fresh = recv_buffer.get(..count).unwrap_or_default();
        if self.input.is_empty() {
            let consumed = self.respond_to_all(fresh, context);
            self.input = fresh.get(consumed..).unwrap_or_default().to_vec();
        } else {
            let mut input = std::mem::take(&mut self.input);
            input.extend_from_slice(fresh);
            let consumed = self.respond_to_all(&input, context);
            if consumed < input.len() {
                input.drain(..consumed);
                self.input = input;
            }
        }
        context.recv_buffer = recv_buffer;
        if self.input_ended && self.can_respond() {
            self.end_early(Status::BAD_REQUEST, context);
        }
    }

    /// Notes that the client sends no more. It may still read, so requests
    /// that are complete get their answers, and half a request gets 400.
    pub fn end_input(&mut self, context: &mut Context) {
        self.input_ended = true;
        self.receive(0, context);
    }

    /// Ends the conversation before its time: half a request is answered with
    /// `status`, a connection between requests ends without a word.
    pub fn end_early(&mut self, status: Status, context: &mut Context) {
        let input = std::mem::take(&mut self.input);
        if let Some(rejection) = self.receiver.end_early(&input, status) {
            self.reject(&rejection, context);
        }
        self.last = true;
    }

    /// Ends the conversation before it begins.
    pub fn reject_overload(&mut self, context: &mut Context) {
        self.output.extend_from_slice(OVERLOAD_RESPONSE);
        self.last = true;
        context.clock.refresh();
        self.log(context, b"", Status::UNAVAILABLE, 0, Instant::now());
    }

    /// What is to be sent next, before anything of the transfer.
    #[must_use]
    pub fn unsent(&self) -> &[u8] {
        self.output.get(self.sent..).unwrap_or_default()
    }

    /// Where all output is sent, puts there what comes next: the answers that
    /// had to wait until there was room, or a piece of a large file that has
    /// to be copied.
    ///
    /// # Errors
    /// If the file can't be sent to its end.
    pub fn fill_output(&mut self, context: &mut Context) -> io::Result<()> {
        if !self.unsent().is_empty() {
            return Ok(());
        }
        match &mut self.transfer {
            Some(transfer) if transfer.remaining > 0 => {
                if transfer.must_copy {
                    self.output = std::mem::take(&mut context.spare_output);
                    transfer.copy(&mut self.output)?;
                }
            }
            _ => {
                self.end_transfer(context);
                self.receive(0, context);
            }
        }
        Ok(())
    }

    /// Notes that the kernel took `count` bytes of what is outgoing.
    pub fn sent(&mut self, count: usize, context: &mut Context) {
        context.sent += count;
        if let Outgoing::File(file) = self.outgoing(0) {
            file.offset += count as u64;
            file.remaining -= count as u64;
            return;
        }
        self.sent += count;
        if self.sent >= self.output.len() {
            self.sent = 0;
            self.output.clear();
            if self.output.capacity() <= MAX_KEPT {
                context.spare_output = std::mem::take(&mut self.output);
            } else {
                self.output = Vec::new();
            }
        }
    }

    /// Notes that the transfer is complete, or that nothing more can be sent.
    pub fn end_transfer(&mut self, context: &mut Context) {
        let Some(transfer) = self.transfer.take() else { return };
        let waiting = transfer.remaining + self.unsent().len() as u64;
        let bytes = transfer.length.saturating_sub(waiting);
        let Transfer { request, status, started, .. } = *transfer;
        self.log(context, &request, status, bytes, started);
    }

    /// Whether nothing is left to be said, by either side.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.last && self.unsent().is_empty() && self.transfer.is_none()
    }

    /// Whether the client has said that it sends no more.
    #[must_use]
    pub fn input_ended(&self) -> bool {
        self.input_ended
    }

    /// How many requests have been answered.
    #[must_use]
    pub fn responses(&self) -> u32 {
        self.responses
    }

    /// Whether a part of a head has come, and not all of it.
    #[must_use]
    pub fn is_in_head(&self) -> bool {
        !self.input.is_empty()
    }

    /// Whether the rest of a request's content is to come, and not of a head.
    #[must_use]
    pub fn is_in_body(&self) -> bool {
        self.receiver.is_in_body()
    }

    fn can_respond(&self) -> bool {
        !self.last
            && self.transfer.is_none()
            && self.unsent().len() < HIGH_WATER
    }

    /// Answers request after request. Returns how many bytes are done with.
    fn respond_to_all(&mut self, input: &[u8], context: &mut Context) -> usize {
        let mut consumed = 0;
        while self.can_respond() {
            let rest = input.get(consumed..).unwrap_or_default();
            let (count, step) = self.receiver.next(rest);
            consumed += count;
            if matches!(step, Step::NeedInput) {
                return consumed;
            }
            if self.output.capacity() == 0 {
                self.output = std::mem::take(&mut context.spare_output);
            }
            match step {
                Step::NeedInput => {}
                Step::Continue => self.output.extend_from_slice(CONTINUE),
                Step::Request(request) => self.respond(&request, b"", context),
                Step::Upload(upload) => match upload.request() {
                    Ok(request) => {
                        self.respond(&request, upload.body(), context);
                    }
                    Err(rejection) => self.reject(&rejection, context),
                },
                Step::Reject(rejection) => self.reject(&rejection, context),
            }
        }
        // Nothing behind the last answer is looked at.
        if self.last { input.len() } else { consumed }
    }
}
