//! One conversation: requests in, answers out, still without a socket.
//!
//! Here `http` and `site` meet. Bytes come in as they were received; what is
//! to be sent lies in `output`, and behind it, for a large file, in
//! `transfer`. Moving the bytes is the connection's business, and that is
//! where the stages differ.

use std::fs::File;
use std::net::IpAddr;
use std::ops::Range;
use std::time::Instant;

use crate::access_log::{AccessLog, Entry};
use crate::config::Config;
use crate::http::{
    Clock, Method, Persistence, Receiver, Refusal, Request, Response, Status,
    Step,
};
use crate::site::{Found, Lookup, Site};

/// Content up to this size joins its head in one buffer and one `send`.
const SMALL: u64 = 16 * 1024;

/// How many bytes one `recv` may bring.
const SPACE: usize = 16 * 1024;

/// With so many bytes waiting to be sent, no further request is answered:
/// a client that does not read must not fill our memory.
const HIGH_WATER: usize = 64 * 1024;

/// The interim answer to a client that asks whether to send its content.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// An output buffer that has grown beyond this is not kept for the next.
const KEEP: usize = 4 * HIGH_WATER;

/// What a thread has one of, for all its connections.
pub struct Worker {
    /// The files.
    pub site: Site,
    /// The lines about them.
    pub log: AccessLog,
    /// The time of day.
    pub clock: Clock,
    /// An empty output buffer, passed from one connection to the next: who
    /// has nothing to send holds none, and no request has to allocate one.
    pub spare: Vec<u8>,
    /// Where `recv` puts what it brings.
    pub space: Vec<u8>,
    /// How many bytes one `send` may take.
    pub piece: usize,
    /// Bytes received since the start, for the narration.
    pub received: usize,
    /// Bytes sent since the start.
    pub sent: usize,
}

impl Worker {
    /// What a new thread starts with.
    #[must_use]
    pub fn new(site: Site, config: &Config) -> Self {
        let piece = usize::from(config.piece);
        Self {
            site,
            log: AccessLog::new(!config.quiet),
            clock: Clock::default(),
            spare: Vec::new(),
            space: vec![0; piece.min(SPACE)],
            piece,
            received: 0,
            sent: 0,
        }
    }
}

/// A large file on its way out, behind the bytes of the output.
pub struct Transfer {
    /// The file.
    pub file: File,
    /// Where its next byte to be sent is.
    pub offset: u64,
    /// How many bytes are still to be taken from it.
    pub remaining: u64,
    length: u64,
    request: Vec<u8>,
    status: Status,
    started: Instant,
}

impl Transfer {
    fn new(
        found: Found,
        part: Range<u64>,
        request: &Request,
        status: Status,
        started: Instant,
    ) -> Self {
        let length = part.end - part.start;
        Self {
            file: found.file,
            offset: part.start,
            remaining: length,
            length,
            request: request.line.to_vec(),
            status,
            started,
        }
    }
}

/// The state of one conversation.
pub struct Exchange {
    client: IpAddr,
    receiver: Receiver,
    /// Bytes received and not yet understood, or not yet answered.
    input: Vec<u8>,
    /// What is to be sent; the first `sent` bytes of it have been.
    pub output: Vec<u8>,
    sent: usize,
    /// What is to be sent after it.
    pub transfer: Option<Box<Transfer>>,
    /// Whether no further answer follows what is being sent.
    last: bool,
    /// Whether the client has said that it sends no more.
    ended: bool,
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
            ended: false,
        }
    }

    /// Takes in `count` bytes that `recv` has put into the worker's space, and
    /// answers the requests they complete, as far as there is room. With 0 it
    /// goes on with what had to wait.
    ///
    /// Nearly always these bytes are whole requests. Then they are read where
    /// they are, and the connection has no memory of its own for them.
    pub fn receive(&mut self, count: usize, worker: &mut Worker) {
        worker.received += count;
        let space = std::mem::take(&mut worker.space);
        let fresh = space.get(..count).unwrap_or_default();
        if self.input.is_empty() {
            let consumed = self.answer_all(fresh, worker);
            self.input = fresh.get(consumed..).unwrap_or_default().to_vec();
        } else {
            let mut input = std::mem::take(&mut self.input);
            input.extend_from_slice(fresh);
            let consumed = self.answer_all(&input, worker);
            if consumed < input.len() {
                input.drain(..consumed);
                self.input = input;
            }
        }
        worker.space = space;
        if self.ended && self.may_answer() {
            self.cut_short(Status::BAD_REQUEST, worker);
        }
    }

    /// Notes that the client sends no more. It may still read, so requests
    /// that are complete get their answers, and half a request gets 400.
    pub fn end_input(&mut self, worker: &mut Worker) {
        self.ended = true;
        self.receive(0, worker);
    }

    /// Ends the conversation before its time: half a request is answered with
    /// `status`, a connection between requests ends without a word.
    pub fn cut_short(&mut self, status: Status, worker: &mut Worker) {
        let input = std::mem::take(&mut self.input);
        if let Some(refusal) = self.receiver.cut_short(&input, status) {
            self.refuse(&refusal, worker);
        }
        self.last = true;
    }

    /// What is to be sent next, before anything of the transfer.
    #[must_use]
    pub fn unsent(&self) -> &[u8] {
        self.output.get(self.sent..).unwrap_or_default()
    }

    /// Notes that the kernel took `count` bytes of the output.
    pub fn sent(&mut self, count: usize, worker: &mut Worker) {
        worker.sent += count;
        self.sent += count;
        if self.sent >= self.output.len() {
            self.sent = 0;
            self.output.clear();
            if self.output.capacity() <= KEEP {
                worker.spare = std::mem::take(&mut self.output);
            } else {
                self.output = Vec::new();
            }
        }
    }

    /// Notes that the transfer is complete, or that nothing more can be sent.
    pub fn end_transfer(&mut self, worker: &mut Worker) {
        let Some(transfer) = self.transfer.take() else { return };
        let waiting = transfer.remaining + self.unsent().len() as u64;
        let bytes = transfer.length.saturating_sub(waiting);
        let Transfer { request, status, started, .. } = *transfer;
        self.log(worker, &request, status, bytes, started);
    }

    /// Whether nothing is left to be said, by either side.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.last && self.unsent().is_empty() && self.transfer.is_none()
    }

    /// Whether the client has said that it sends no more.
    #[must_use]
    pub fn input_ended(&self) -> bool {
        self.ended
    }

    /// Whether the rest of a request's content is to come, and not of a head.
    #[must_use]
    pub fn is_in_body(&self) -> bool {
        self.receiver.is_in_body()
    }

    fn may_answer(&self) -> bool {
        !self.last
            && self.transfer.is_none()
            && self.unsent().len() < HIGH_WATER
    }

    /// Answers request after request. Returns how many bytes are done with.
    fn answer_all(&mut self, input: &[u8], worker: &mut Worker) -> usize {
        let mut consumed = 0;
        while self.may_answer() {
            let rest = input.get(consumed..).unwrap_or_default();
            let (count, step) = self.receiver.next(rest);
            consumed += count;
            if matches!(step, Step::NeedInput) {
                return consumed;
            }
            if self.output.capacity() == 0 {
                self.output = std::mem::take(&mut worker.spare);
            }
            match step {
                Step::NeedInput => {}
                Step::Continue => self.output.extend_from_slice(CONTINUE),
                Step::Request(request) => self.answer(&request, b"", worker),
                Step::Upload(upload) => match upload.request() {
                    Ok(request) => {
                        self.answer(&request, upload.content(), worker);
                    }
                    Err(refusal) => self.refuse(&refusal, worker),
                },
                Step::Refuse(refusal) => self.refuse(&refusal, worker),
            }
        }
        // Nothing behind the last answer is looked at.
        if self.last { input.len() } else { consumed }
    }

    /// Puts the answer to `request` into the output; of a large file only the
    /// head, with a transfer for the rest.
    fn answer(
        &mut self,
        request: &Request,
        content: &[u8],
        worker: &mut Worker,
    ) {
        let started = Instant::now();
        worker.clock.refresh();
        let mut found = None;
        let response = match Response::without_file(request, content) {
            Some(response) => response,
            None => match worker.site.find(request.path()) {
                Ok(Lookup::File(file)) => {
                    let file = found.insert(file);
                    Response::file(request, &file.representation)
                }
                Ok(Lookup::Folder) => Response::redirect(request),
                Err(status) => Response::status(status),
            },
        };
        let persistence = Persistence::of(request);
        self.last = persistence == Persistence::Close;
        let head_only = request.method == Method::Head;
        let before = self.output.len();
        let clock = &worker.clock;
        let part =
            response.write(&mut self.output, persistence, head_only, clock);
        let status = response.status;
        let bytes = response.content_length().filter(|_| !head_only);
        match found {
            Some(found) if part.end - part.start > SMALL => {
                let transfer =
                    Transfer::new(found, part, request, status, started);
                self.transfer = Some(Box::new(transfer));
            }
            Some(found) if !found.append(part, &mut self.output) => {
                self.output.truncate(before);
                let line = request.line.to_vec();
                let status = Status::INTERNAL_ERROR;
                self.refuse(&Refusal { status, line }, worker);
            }
            _ => {
                let bytes = bytes.unwrap_or(0);
                self.log(worker, request.line, status, bytes, started);
            }
        }
    }

    /// Puts an error answer into the output, the last one.
    fn refuse(&mut self, refusal: &Refusal, worker: &mut Worker) {
        let Refusal { status, line } = refusal;
        log::info!("{}: refused: {}", self.client, status.text());
        worker.clock.refresh();
        let response = Response::status(*status);
        let (close, head_only) =
            (Persistence::Close, line.starts_with(b"HEAD "));
        response.write(&mut self.output, close, head_only, &worker.clock);
        self.last = true;
        let bytes = response.content_length().filter(|_| !head_only);
        let now = Instant::now();
        self.log(worker, line, *status, bytes.unwrap_or(0), now);
    }

    fn log(
        &self,
        worker: &mut Worker,
        request: &[u8],
        status: Status,
        bytes: u64,
        started: Instant,
    ) {
        worker.log.record(&Entry {
            client: self.client,
            time: worker.clock.log(),
            request,
            status: status.code(),
            bytes,
            duration: started.elapsed(),
        });
    }
}
