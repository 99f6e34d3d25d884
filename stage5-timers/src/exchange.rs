//! Requests in, responses out, without a socket.
//!
//! Received bytes come in; bytes to send collect in `output`, and a large file
//! follows them in `transfer`. The connection moves the bytes, and that is
//! where the stages differ.

use std::io;
use std::net::IpAddr;
use std::time::Instant;

use crate::context::Context;
use crate::http::{Receiver, Status, Step};
use crate::transfer::{Outgoing, Transfer};

/// The high-water mark: with this many bytes of output pending, we respond to
/// no further request. A client that does not read must not fill our memory.
const HIGH_WATER: usize = 64 * 1024;

/// The interim response to a client that asks whether to send its body.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// The response at the connection limit. It has no body, since a response to
/// HEAD must not have one and we do not look at the request.
const OVERLOAD_RESPONSE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    Content-Length: 0\r\nRetry-After: 1\r\nConnection: close\r\n\r\n";

/// A larger output buffer is freed instead of kept for reuse.
const MAX_KEPT: usize = 4 * HIGH_WATER;

/// The state of one exchange.
pub struct Exchange {
    pub(crate) client: IpAddr,
    receiver: Receiver,
    /// Bytes received that do not yet make a whole request, or whose requests
    /// have no response yet.
    input: Vec<u8>,
    /// Bytes to send; the first `sent` of them have been sent.
    pub output: Vec<u8>,
    pub(crate) sent: usize,
    /// The file to send after them.
    pub transfer: Option<Box<Transfer>>,
    /// Whether the response being sent is the last.
    pub(crate) last: bool,
    /// Number of responses so far.
    pub(crate) responses: u32,
    /// Whether the client has closed its sending side.
    input_ended: bool,
}

impl Exchange {
    /// An exchange with `client` that has not begun.
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

    /// Takes `count` bytes from the context's receive buffer and responds to
    /// the requests they complete, up to the high-water mark. With 0 it
    /// continues with requests that had to wait.
    ///
    /// Nearly always these bytes are whole requests. They are then parsed in
    /// place, and the connection needs no memory for them.
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

    /// Records EOF. The client may still read, so complete requests get their
    /// responses, and a partial request gets 400.
    pub fn end_input(&mut self, context: &mut Context) {
        self.input_ended = true;
        self.receive(0, context);
    }

    /// Ends the exchange early: a partial request is rejected with `status`;
    /// between requests nothing is sent.
    pub fn end_early(&mut self, status: Status, context: &mut Context) {
        let input = std::mem::take(&mut self.input);
        if let Some(rejection) = self.receiver.end_early(&input, status) {
            self.reject(&rejection, context);
        }
        self.last = true;
    }

    /// Rejects the connection with 503 before any request.
    pub fn reject_overload(&mut self, context: &mut Context) {
        self.output.extend_from_slice(OVERLOAD_RESPONSE);
        self.last = true;
        context.clock.refresh();
        self.log(context, b"", Status::UNAVAILABLE, 0, Instant::now());
    }

    /// The output still to be sent, before the transfer.
    #[must_use]
    pub fn unsent(&self) -> &[u8] {
        self.output.get(self.sent..).unwrap_or_default()
    }

    /// When all output has been sent, adds what comes next: a chunk of a large
    /// file, or the responses to requests that had to wait.
    ///
    /// # Errors
    /// If the file cannot be read to its end.
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

    /// What to send now, at most `most` bytes of it.
    pub fn outgoing(&mut self, most: usize) -> Outgoing<'_> {
        let unsent = self.output.get(self.sent..).unwrap_or_default();
        let waiting = self.transfer.as_mut().filter(|file| file.remaining > 0);
        match waiting {
            Some(file) if unsent.is_empty() => Outgoing::File(file),
            waiting => {
                let bytes = unsent.get(..most).unwrap_or(unsent);
                Outgoing::Bytes(bytes, waiting.is_some())
            }
        }
    }

    /// Switches to copying, for a file system without `sendfile(2)`. Returns
    /// false if we were copying already.
    pub fn fall_back_to_copy(&mut self) -> bool {
        match self.outgoing(0) {
            Outgoing::File(file) => {
                !std::mem::replace(&mut file.must_copy, true)
            }
            Outgoing::Bytes(..) => false,
        }
    }

    /// Records that the kernel accepted `count` bytes.
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

    /// Ends the transfer, complete or not, and logs it.
    pub fn end_transfer(&mut self, context: &mut Context) {
        let Some(transfer) = self.transfer.take() else { return };
        let waiting = transfer.remaining + self.unsent().len() as u64;
        let bytes = transfer.length.saturating_sub(waiting);
        let Transfer { request, status, started, .. } = *transfer;
        self.log(context, &request, status, bytes, started);
    }

    /// Whether neither side has anything left to send.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.last && self.unsent().is_empty() && self.transfer.is_none()
    }

    /// Whether the client has closed its sending side.
    #[must_use]
    pub fn input_ended(&self) -> bool {
        self.input_ended
    }

    /// Number of responses so far.
    #[must_use]
    pub fn responses(&self) -> u32 {
        self.responses
    }

    /// Whether part of a head has arrived.
    #[must_use]
    pub fn is_in_head(&self) -> bool {
        !self.input.is_empty()
    }

    /// Whether the rest of a request body is still to come.
    #[must_use]
    pub fn is_in_body(&self) -> bool {
        self.receiver.is_in_body()
    }

    fn can_respond(&self) -> bool {
        !self.last
            && self.transfer.is_none()
            && self.unsent().len() < HIGH_WATER
    }

    /// Responds to one request after another. Returns how many bytes of
    /// `input` were consumed.
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
        // After the last response, further input is ignored.
        if self.last { input.len() } else { consumed }
    }
}
