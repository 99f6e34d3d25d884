//! From request to response: `http` and `site` meet here.

use std::time::Instant;

use crate::access_log::Entry;
use crate::context::Context;
use crate::exchange::Exchange;
use crate::http::{Method, Persistence, Rejection, Request, Response, Status};
use crate::site::Lookup;
use crate::transfer::Transfer;

/// A file up to this size joins its head in one buffer and one `send`.
const SMALL: u64 = 16 * 1024;

impl Exchange {
    /// Appends the response to `request` to the output; for a large file only
    /// its head, with a transfer for the rest.
    pub(crate) fn respond(
        &mut self,
        request: &Request,
        body: &[u8],
        context: &mut Context,
    ) {
        let started = Instant::now();
        context.clock.refresh();
        let now = context.clock.second();
        let mut found = None;
        let response = match Response::without_file(request, body) {
            Some(response) => response,
            None => match context.find(request.path()) {
                Ok(Lookup::File(file)) => {
                    let file = found.insert(file);
                    Response::file(request, &file.representation, now)
                }
                Ok(Lookup::Directory) => Response::redirect(request),
                Err(status) => Response::status(status),
            },
        };
        self.responses += 1;
        let persistence = if self.responses >= context.limits.requests {
            Persistence::Close
        } else {
            Persistence::of(request)
        };
        self.last = persistence == Persistence::Close;
        let head_only = request.method == Method::Head;
        let before = self.output.len();
        let clock = &context.clock;
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
                self.reject(&Rejection { status, line }, context);
            }
            _ => {
                let bytes = bytes.unwrap_or(0);
                self.log(context, request.line, status, bytes, started);
            }
        }
    }

    /// Appends an error response, the last one on this connection.
    pub(crate) fn reject(
        &mut self,
        rejection: &Rejection,
        context: &mut Context,
    ) {
        let Rejection { status, line } = rejection;
        log::info!("{}: rejected: {}", self.client, status.text());
        context.clock.refresh();
        let response = Response::status(*status);
        let (close, head_only) =
            (Persistence::Close, line.starts_with(b"HEAD "));
        response.write(&mut self.output, close, head_only, &context.clock);
        self.last = true;
        let bytes = response.content_length().filter(|_| !head_only);
        let now = Instant::now();
        self.log(context, line, *status, bytes.unwrap_or(0), now);
    }

    pub(crate) fn log(
        &self,
        context: &mut Context,
        request: &[u8],
        status: Status,
        bytes: u64,
        started: Instant,
    ) {
        context.responses += 1;
        context.log.record(&Entry {
            client: self.client,
            time: context.clock.log(),
            request,
            status: status.code(),
            bytes,
            started,
        });
    }
}
