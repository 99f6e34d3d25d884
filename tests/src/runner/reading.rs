//! The receiving half of a script: what is waited for, and what is shown.
//!
//! Answers reach the transcript only where the script reads, never when they
//! happen to arrive: so it is the same however the packets fall.

use std::thread;
use std::time::Duration;

use super::Player;
use crate::wire::client::End;

impl Player<'_> {
    /// `read N`: the next N final answers, with the interim ones before.
    pub(super) fn read(
        &mut self,
        at: usize,
        count: usize,
    ) -> Result<(), String> {
        let line = &mut self.lines[at];
        let Some(client) = &mut line.client else { return Ok(()) };
        let shown = &client.reader.answers[..line.shown];
        let before = shown.iter().filter(|a| !a.is_interim()).count();
        let waited = client.wait_for_answers(before + count);
        let mut left = count;
        let mut upto = line.shown;
        for answer in &client.reader.answers[line.shown..] {
            if left == 0 {
                break;
            }
            left -= usize::from(!answer.is_interim());
            upto += 1;
        }
        self.show(at, upto);
        waited
    }

    /// `read continue`: the next answer, which should be a 100.
    pub(super) fn read_continue(&mut self, at: usize) -> Result<(), String> {
        let line = &mut self.lines[at];
        let Some(client) = &mut line.client else { return Ok(()) };
        let wanted = line.shown + 1;
        client.wait_for("100 Continue", |client| {
            client.reader.answers.len() >= wanted
        })?;
        self.show(at, wanted);
        Ok(())
    }

    /// `read close`: all that comes until the server closes by itself.
    pub(super) fn read_close(&mut self, at: usize) -> Result<(), String> {
        let Some(client) = &mut self.lines[at].client else {
            return Ok(());
        };
        client.wait_for_end()?;
        self.show_end(at);
        Ok(())
    }

    /// `pause N ms`: time goes by, then what has come is shown.
    pub(super) fn pause(&mut self, at: usize, ms: u64) {
        let name = self.lines[at].name.clone();
        self.did(&name, &format!("pause {ms} ms"));
        thread::sleep(Duration::from_millis(ms));
        let line = &mut self.lines[at];
        let Some(client) = &mut line.client else { return };
        client.take();
        if client.end == End::Open {
            let upto = client.reader.answers.len();
            self.show(at, upto);
            self.transcript.saw(&name, "still open");
        } else {
            self.show_end(at);
        }
    }

    /// The end of a script: each connection is half-closed and read to its
    /// end, so that no surplus answer goes unseen.
    pub(super) fn finish(&mut self) -> Result<(), String> {
        for at in 0..self.lines.len() {
            self.flush(at)?;
            if self.lines[at].ended || self.lines[at].client.is_none() {
                continue;
            }
            if !self.lines[at].half_closed {
                self.half_close(at);
            }
            self.read_close(at)
                .map_err(|why| format!("at the end of the script: {why}"))?;
        }
        Ok(())
    }

    /// Puts the answers up to number `upto` into the transcript.
    fn show(&mut self, at: usize, upto: usize) {
        let line = &mut self.lines[at];
        let Some(client) = &line.client else { return };
        let upto = upto.min(client.reader.answers.len());
        for answer in &client.reader.answers[line.shown..upto] {
            self.transcript.answer(&line.name, answer);
            self.last = Some(answer.clone());
        }
        line.shown = upto;
    }

    /// Everything that came and is not shown yet, and how it ended.
    fn show_end(&mut self, at: usize) {
        self.show(at, usize::MAX);
        let line = &mut self.lines[at];
        let Some(client) = &line.client else { return };
        if line.ended {
            return;
        }
        line.ended = true;
        let rest = &client.received[client.reader.used..];
        if !rest.is_empty() {
            self.transcript.raw(&line.name, rest);
        }
        let end = match client.end {
            End::Open => "still open",
            End::Closed => "closed",
            End::Reset => "reset",
        };
        self.transcript.saw(&line.name, end);
    }

    /// After trouble: shows what there is on every connection.
    pub(super) fn show_rest(&mut self) {
        for at in 0..self.lines.len() {
            self.show_end(at);
        }
    }
}
