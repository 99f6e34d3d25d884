//! The receiving half of a script: what it waits for, and what the transcript
//! shows.
//!
//! Responses enter the transcript where the script reads, not when they arrive.
//! So the transcript doesn't depend on timing.

use std::thread;
use std::time::Duration;

use super::Player;
use crate::wire::client::End;

impl Player<'_> {
    /// `read N`: the next N final responses, with any interim responses before
    /// them.
    pub(super) fn read(
        &mut self,
        index: usize,
        count: usize,
    ) -> Result<(), String> {
        let connection = &mut self.connections[index];
        let Some(client) = &mut connection.client else { return Ok(()) };
        let shown = &client.reader.responses[..connection.shown];
        let before = shown.iter().filter(|a| !a.is_interim()).count();
        let waited = client.wait_for_responses(before + count);
        let mut remaining = count;
        let mut end = connection.shown;
        for response in &client.reader.responses[connection.shown..] {
            if remaining == 0 {
                break;
            }
            remaining -= usize::from(!response.is_interim());
            end += 1;
        }
        self.show(index, end);
        waited
    }

    /// `read continue`: the next response, which should be a 100.
    pub(super) fn read_continue(&mut self, index: usize) -> Result<(), String> {
        let connection = &mut self.connections[index];
        let Some(client) = &mut connection.client else { return Ok(()) };
        let wanted = connection.shown + 1;
        client.wait_for("100 Continue", |client| {
            client.reader.responses.len() >= wanted
        })?;
        self.show(index, wanted);
        Ok(())
    }

    /// `read close`: everything up to the server's close.
    pub(super) fn read_close(&mut self, index: usize) -> Result<(), String> {
        let Some(client) = &mut self.connections[index].client else {
            return Ok(());
        };
        client.wait_for_end()?;
        self.show_end(index);
        Ok(())
    }

    /// `pause N ms`: sleeps, then shows what has arrived.
    pub(super) fn pause(&mut self, index: usize, ms: u64) {
        let name = self.connections[index].name.clone();
        self.did(&name, &format!("pause {ms} ms"));
        thread::sleep(Duration::from_millis(ms));
        let connection = &mut self.connections[index];
        let Some(client) = &mut connection.client else { return };
        client.take();
        if client.end == End::Open {
            let end = client.reader.responses.len();
            self.show(index, end);
            self.transcript.saw(&name, "still open");
        } else {
            self.show_end(index);
        }
    }

    /// The end of a script: each connection is half-closed and read to its end,
    /// so that no extra response goes unnoticed.
    pub(super) fn finish(&mut self) -> Result<(), String> {
        for index in 0..self.connections.len() {
            self.flush(index)?;
            if self.connections[index].ended
                || self.connections[index].client.is_none()
            {
                continue;
            }
            if !self.connections[index].half_closed {
                self.half_close(index);
            }
            self.read_close(index)
                .map_err(|why| format!("at the end of the script: {why}"))?;
        }
        Ok(())
    }

    /// Adds the responses up to `end` to the transcript.
    fn show(&mut self, index: usize, end: usize) {
        let connection = &mut self.connections[index];
        let Some(client) = &connection.client else { return };
        let end = end.min(client.reader.responses.len());
        for response in &client.reader.responses[connection.shown..end] {
            self.transcript.response(&connection.name, response);
            self.last = Some(response.clone());
        }
        connection.shown = end;
    }

    /// Shows everything that isn't shown yet, and how the connection ended.
    fn show_end(&mut self, index: usize) {
        self.show(index, usize::MAX);
        let connection = &mut self.connections[index];
        let Some(client) = &connection.client else { return };
        if connection.ended {
            return;
        }
        connection.ended = true;
        let rest = &client.received[client.reader.used..];
        if !rest.is_empty() {
            self.transcript.raw(&connection.name, rest);
        }
        let end = match client.end {
            End::Open => "still open",
            End::Closed => "closed",
            End::Reset => "reset",
        };
        self.transcript.saw(&connection.name, end);
    }

    /// After an error: shows what has arrived on every connection.
    pub(super) fn show_rest(&mut self) {
        for index in 0..self.connections.len() {
            self.show_end(index);
        }
    }
}
