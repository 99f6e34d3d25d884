//! Plays a script against a server and writes the transcript.

mod reading;
mod sending;

use crate::fixtures;
use crate::hints::Clues;
use crate::script::{Action, Script, Step};
use crate::server::{Server, pool};
use crate::stage::{Launch, Stage};
use crate::transcript::Transcript;
use crate::wire::escape::Part;
use crate::wire::{Client, Response};

/// How the bytes of a script are split into writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Adjacent `>` lines in one write.
    Whole,
    /// One byte per write, and one read of the server per byte.
    ByteByByte,
    /// As [`Pace::Whole`], and the server moves at most this many bytes per
    /// recv and send.
    TinyIo(usize),
}

/// The result of a script.
#[derive(Debug)]
pub struct Played {
    /// The transcript, complete or up to the error.
    pub transcript: String,
    /// Why the script could not be played to its end, or what is wrong
    /// afterwards.
    pub error: Option<String>,
    /// Hints that may explain a difference.
    pub clues: Clues,
}

/// Plays `script` against a fresh server.
#[must_use]
pub fn play(script: &Script, stage: &Stage, pace: Pace) -> Played {
    let mut flags = script.flags.clone();
    if let Pace::TinyIo(size) = pace {
        flags.extend(["--io-limit".into(), size.to_string()]);
    }
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    if script.repeats_tags() {
        fixtures::until_settled();
    }
    let mut server = match stage.start(&flags) {
        Ok(server) => server,
        Err(why) => {
            return Played {
                transcript: String::new(),
                error: Some(why),
                clues: Clues::default(),
            };
        }
    };
    let mut player = Player {
        server: &server,
        pace,
        connections: Vec::new(),
        transcript: Transcript::default(),
        last: None,
        quiet: false,
    };
    let result = player.steps(&script.steps).and_then(|()| player.finish());
    player.show_rest();
    let clues =
        Clues::of(player.connections.iter().filter_map(Connection::client));
    let transcript = player.transcript.text();
    drop(player);
    let alive = server.check_alive();
    if let (Launch::Command(connection_index), Ok(())) = (&stage.launch, &alive)
    {
        pool::keep(connection_index, server);
    }
    let error = match (result, alive) {
        (Err(why), Err(gone)) => Some(format!("{why}\n{gone}")),
        (result, alive) => result.and(alive).err(),
    };
    Played { transcript, error, clues }
}

struct Player<'a> {
    server: &'a Server,
    pace: Pace,
    connections: Vec<Connection>,
    transcript: Transcript,
    /// The last response, for `{etag}` and other placeholders.
    last: Option<Response>,
    /// Set from the second round of a `repeat` on: only the first round is
    /// shown.
    quiet: bool,
}

/// One connection of the script.
struct Connection {
    name: String,
    /// `None` once the script has reset it.
    client: Option<Client>,
    /// What the next flush sends: the bytes, and how many per write.
    outgoing: Vec<(Vec<u8>, usize)>,
    /// Number of responses in the transcript.
    shown: usize,
    half_closed: bool,
    /// Whether the transcript shows its end.
    ended: bool,
}

impl Connection {
    fn client(&self) -> Option<&Client> {
        self.client.as_ref()
    }
}

impl Player<'_> {
    fn steps(&mut self, steps: &[Step]) -> Result<(), String> {
        for step in steps {
            self.step(step)
                .map_err(|why| format!("line {}: {why}", step.line))?;
        }
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        let name = &step.connection;
        if let Action::Repeat(times, steps) = &step.action {
            return self.repeat(*times, steps);
        }
        let index = self.connection_index(name)?;
        match &step.action {
            Action::Send(text, parts) => {
                if !self.quiet {
                    self.transcript.sent(name, text);
                }
                let bytes = self.fill_in(parts)?;
                self.connections[index].outgoing.push((bytes, 1));
                return Ok(());
            }
            Action::Fill(count, byte) => {
                let shown = crate::wire::escape::visible(&[*byte]);
                self.did(name, &format!("{count} times {shown}"));
                // A long filler takes at most about 4,000 writes.
                let bytes = vec![*byte; *count];
                self.connections[index]
                    .outgoing
                    .push((bytes, count / 4096 + 1));
                return Ok(());
            }
            _ => self.flush(index)?,
        }
        match &step.action {
            Action::Segment => self.segment(index),
            Action::Drip(byte) => self.drip(index, *byte)?,
            Action::Read(count) => self.read(index, *count)?,
            Action::ReadContinue => self.read_continue(index)?,
            Action::ReadClose => self.read_close(index)?,
            Action::Pause(ms) => self.pause(index, *ms),
            Action::HalfClose => self.half_close(index),
            Action::Reset => self.reset(index),
            _ => {}
        }
        Ok(())
    }

    fn repeat(&mut self, times: usize, steps: &[Step]) -> Result<(), String> {
        let name = steps.first().map_or("", |step| &step.connection);
        self.did(name, &format!("repeat {times} times"));
        let outer = self.quiet;
        for round in 0..times {
            self.quiet = outer || round > 0;
            self.steps(steps)?;
        }
        self.quiet = outer;
        self.did(name, "end of repeat");
        Ok(())
    }

    fn did(&mut self, name: &str, what: &str) {
        if !self.quiet {
            self.transcript.did(name, what);
        }
    }

    /// The connection called `name`, opened on first use. Pending bytes of the
    /// other connections are sent first, which keeps the order of the script.
    fn connection_index(&mut self, name: &str) -> Result<usize, String> {
        for index in 0..self.connections.len() {
            if self.connections[index].name != name {
                self.flush(index)?;
            }
        }
        if let Some(index) =
            self.connections.iter().position(|l| l.name == name)
        {
            return Ok(index);
        }
        self.connections.push(Connection {
            name: name.to_owned(),
            client: Some(self.server.connect()?),
            outgoing: Vec::new(),
            shown: 0,
            half_closed: false,
            ended: false,
        });
        Ok(self.connections.len() - 1)
    }

    /// The bytes of a `>` line, with its placeholders replaced.
    fn fill_in(&self, parts: &[Part]) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        for part in parts {
            match part {
                Part::Bytes(plain) => bytes.extend(plain),
                Part::Placeholder(name) => {
                    bytes.extend(self.value(name)?.as_bytes());
                }
            }
        }
        Ok(bytes)
    }

    fn value(&self, name: &str) -> Result<String, String> {
        let address = self.server.address();
        match name {
            "port" => return Ok(address.port().to_string()),
            "host" => return Ok(address.to_string()),
            _ => {}
        }
        let last = self.last.as_ref().ok_or_else(|| {
            format!("{{{name}}} is used before any response was read")
        })?;
        let value = last.field(name).ok_or_else(|| {
            format!("{{{name}}}: the last response has no such field")
        })?;
        Ok(value.to_owned())
    }
}
