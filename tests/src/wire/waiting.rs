//! Waits for an event on a connection: a response, or the end.

use std::time::Instant;

use nix::poll::PollFlags;

use super::client::{Client, End};
use super::response::Response;

impl Client {
    /// Reads until `done`, until the connection ends, or until something
    /// arrives that is not HTTP. `what` names the event.
    ///
    /// # Errors
    /// `waited 20 s for …` when the ceiling is reached.
    pub fn wait_for(
        &mut self,
        what: &str,
        done: impl Fn(&Self) -> bool,
    ) -> Result<(), String> {
        let deadline = Instant::now() + self.ceiling;
        self.take();
        while !done(self)
            && self.end == End::Open
            && self.reader.complaint.is_none()
        {
            if Instant::now() > deadline {
                return Err(self.waited(what));
            }
            self.poll(PollFlags::POLLIN);
            self.take();
        }
        Ok(())
    }

    /// Waits until `count` final responses have arrived since the start.
    ///
    /// # Errors
    /// As [`Client::wait_for`].
    pub fn wait_for_responses(&mut self, count: usize) -> Result<(), String> {
        let what = format!("response {count}");
        self.wait_for(&what, |client| client.reader.finals() >= count)
            .map_err(|why| format!("{why} ({} arrived)", self.reader.finals()))
    }

    /// Waits until the server closes or resets, and reads everything before
    /// that.
    ///
    /// # Errors
    /// As [`Client::wait_for`]; each byte that arrives restarts the wait.
    pub fn wait_for_end(&mut self) -> Result<(), String> {
        // A server that never stops sending must not stop the suite.
        let last = Instant::now() + 12 * self.ceiling;
        let mut deadline = Instant::now() + self.ceiling;
        self.take();
        while self.end == End::Open {
            if Instant::now() > deadline.min(last) {
                return Err(self.waited("the server to close"));
            }
            let before = self.received.len();
            self.poll(PollFlags::POLLIN);
            self.take();
            if self.received.len() > before {
                deadline = Instant::now() + self.ceiling;
            }
        }
        Ok(())
    }

    /// Sends `byte` repeatedly, about ten times a second, until the server
    /// responds or closes.
    ///
    /// # Errors
    /// If the server does neither before the ceiling is reached.
    pub fn drip_on(&mut self, byte: u8) -> Result<(), String> {
        let deadline = Instant::now() + self.ceiling;
        let before = self.received.len();
        while self.received.len() == before && self.end == End::Open {
            if Instant::now() > deadline {
                return Err(self.waited("the server to respond or close"));
            }
            self.send(&[byte])?;
            self.poll(PollFlags::POLLIN);
            self.take();
        }
        Ok(())
    }

    /// Sends one request and returns its final response.
    ///
    /// # Errors
    /// If no complete response arrives; the text says what happened instead.
    pub fn ask(&mut self, request: &[u8]) -> Result<Response, String> {
        let wanted = self.reader.finals() + 1;
        self.send(request)?;
        self.wait_for_responses(wanted)?;
        if self.reader.finals() < wanted {
            let complaint = self.reader.complaint.clone();
            return Err(complaint.unwrap_or_else(|| {
                format!("no response; connection state: {:?}", self.end)
            }));
        }
        self.reader
            .responses
            .last()
            .cloned()
            .ok_or_else(|| "no response".into())
    }
}
