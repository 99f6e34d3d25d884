//! The sending half of a script.

use std::time::Duration;

use super::{Pace, Player};

impl Player<'_> {
    pub(super) fn flush(&mut self, index: usize) -> Result<(), String> {
        let connection = &mut self.connections[index];
        let outgoing = std::mem::take(&mut connection.outgoing);
        let Some(client) = &mut connection.client else { return Ok(()) };
        match self.pace {
            Pace::Whole | Pace::TinyIo(_) => {
                let parts: Vec<_> =
                    outgoing.into_iter().map(|(bytes, _)| bytes).collect();
                client.send(&parts.concat())
            }
            Pace::ByteByByte => outgoing
                .iter()
                .try_for_each(|(bytes, size)| client.drip(bytes, *size)),
        }
    }

    pub(super) fn segment(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        if let Some(client) = &mut connection.client {
            client.settle(Duration::from_secs(1));
        }
        let name = connection.name.clone();
        self.did(&name, "new segment");
    }

    /// `drip C`: sends until the server responds or closes.
    pub(super) fn drip(
        &mut self,
        index: usize,
        byte: u8,
    ) -> Result<(), String> {
        let connection = &mut self.connections[index];
        let name = connection.name.clone();
        if let Some(client) = &mut connection.client {
            client.drip_on(byte)?;
        }
        let shown = crate::wire::escape::visible(&[byte]);
        self.did(&name, &format!("drip {shown}, until something comes back"));
        Ok(())
    }

    pub(super) fn half_close(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        connection.half_closed = true;
        if let Some(client) = &mut connection.client {
            client.half_close();
        }
        let name = connection.name.clone();
        self.did(&name, "half-close");
    }

    pub(super) fn reset(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        if let Some(client) = connection.client.take() {
            client.reset();
        }
        let name = connection.name.clone();
        self.did(&name, "reset");
    }
}
