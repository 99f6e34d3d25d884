//! Waiting for an event on a connection: an answer, or the end.

use std::time::Instant;

use nix::poll::PollFlags;

use super::answer::Answer;
use super::client::{Client, End};

impl Client {
    /// Reads until `done`, or until no more can come: the connection has
    /// ended, or what came is not HTTP. `what` names the event.
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

    /// Waits until `count` final answers have come since the start.
    ///
    /// # Errors
    /// As [`Client::wait_for`].
    pub fn wait_for_answers(&mut self, count: usize) -> Result<(), String> {
        let what = format!("answer {count}");
        self.wait_for(&what, |client| client.reader.finals() >= count)
            .map_err(|why| format!("{why} ({} came)", self.reader.finals()))
    }

    /// Waits until the server closes or resets, whatever it still sends.
    ///
    /// # Errors
    /// As [`Client::wait_for`], with the last bytes as the start of waiting.
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

    /// Sends `byte` again and again, about ten a second, until the server
    /// answers or closes.
    ///
    /// # Errors
    /// If it has done neither when the ceiling is reached.
    pub fn drip_on(&mut self, byte: u8) -> Result<(), String> {
        let deadline = Instant::now() + self.ceiling;
        let before = self.received.len();
        while self.received.len() == before && self.end == End::Open {
            if Instant::now() > deadline {
                return Err(self.waited("the server to have had enough"));
            }
            self.send(&[byte])?;
            self.poll(PollFlags::POLLIN);
            self.take();
        }
        Ok(())
    }

    /// Sends one request and returns its final answer.
    ///
    /// # Errors
    /// If no whole answer comes; the text says what came instead.
    pub fn ask(&mut self, request: &[u8]) -> Result<Answer, String> {
        let wanted = self.reader.finals() + 1;
        self.send(request)?;
        self.wait_for_answers(wanted)?;
        if self.reader.finals() < wanted {
            let complaint = self.reader.complaint.clone();
            return Err(complaint.unwrap_or_else(|| {
                format!("no answer: the connection is {:?}", self.end)
            }));
        }
        self.reader.answers.last().cloned().ok_or_else(|| "no answer".into())
    }
}
