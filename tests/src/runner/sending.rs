//! The sending half of a script: what goes out, and how it ends.

use std::time::Duration;

use super::{Pace, Player};

impl Player<'_> {
    pub(super) fn flush(&mut self, at: usize) -> Result<(), String> {
        let line = &mut self.lines[at];
        let outgoing = std::mem::take(&mut line.outgoing);
        let Some(client) = &mut line.client else { return Ok(()) };
        match self.pace {
            Pace::Whole | Pace::TinyIo(_) => {
                let pieces: Vec<_> =
                    outgoing.into_iter().map(|(bytes, _)| bytes).collect();
                client.send(&pieces.concat())
            }
            Pace::ByteByByte => outgoing
                .iter()
                .try_for_each(|(bytes, piece)| client.drip(bytes, *piece)),
        }
    }

    pub(super) fn segment(&mut self, at: usize) {
        let line = &mut self.lines[at];
        if let Some(client) = &mut line.client {
            client.settle(Duration::from_secs(1));
        }
        let name = line.name.clone();
        self.did(&name, "new segment");
    }

    /// `drip C`: goes on until the server has had enough.
    pub(super) fn drip(&mut self, at: usize, byte: u8) -> Result<(), String> {
        let line = &mut self.lines[at];
        let name = line.name.clone();
        if let Some(client) = &mut line.client {
            client.drip_on(byte)?;
        }
        let shown = crate::wire::escape::visible(&[byte]);
        self.did(&name, &format!("drip {shown}, until something comes back"));
        Ok(())
    }

    pub(super) fn half_close(&mut self, at: usize) {
        let line = &mut self.lines[at];
        line.half_closed = true;
        if let Some(client) = &mut line.client {
            client.half_close();
        }
        let name = line.name.clone();
        self.did(&name, "half-close");
    }

    pub(super) fn reset(&mut self, at: usize) {
        let line = &mut self.lines[at];
        if let Some(client) = line.client.take() {
            client.reset();
        }
        let name = line.name.clone();
        self.did(&name, "reset");
    }
}
