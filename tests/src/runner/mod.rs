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
use crate::wire::{Answer, Client};

/// How the bytes of a script are handed to the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Neighbouring `>` lines in one write.
    Whole,
    /// Each byte in a write, and a read, of its own.
    ByteByByte,
    /// As [`Pace::Whole`], and the server receives and sends at most this many
    /// bytes at a time.
    TinyIo(usize),
}

/// What came of a script.
#[derive(Debug)]
pub struct Played {
    /// The transcript, complete or as far as it went.
    pub transcript: String,
    /// Why it could not be played to its end, or what is wrong afterwards.
    pub trouble: Option<String>,
    /// What was noticed on the way that may explain a difference.
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
                trouble: Some(why),
                clues: Clues::default(),
            };
        }
    };
    let mut player = Player {
        server: &server,
        pace,
        lines: Vec::new(),
        transcript: Transcript::default(),
        last: None,
        silent: false,
    };
    let result = player.steps(&script.steps).and_then(|()| player.finish());
    player.show_rest();
    let clues = Clues::of(player.lines.iter().filter_map(Line::client));
    let transcript = player.transcript.text();
    drop(player);
    let alive = server.check_alive();
    if let (Launch::Command(line), Ok(())) = (&stage.launch, &alive) {
        pool::keep(line, server);
    }
    let trouble = match (result, alive) {
        (Err(why), Err(gone)) => Some(format!("{why}\n{gone}")),
        (result, alive) => result.and(alive).err(),
    };
    Played { transcript, trouble, clues }
}

struct Player<'a> {
    server: &'a Server,
    pace: Pace,
    lines: Vec<Line>,
    transcript: Transcript,
    /// The answer read last, for `{etag}` and the like.
    last: Option<Answer>,
    /// Set from the second round of a `repeat` on: the first one is shown.
    silent: bool,
}

/// One connection of the script.
struct Line {
    name: String,
    /// `None` once the script has reset it.
    client: Option<Client>,
    /// What the next flush sends: bytes, and how many at a time.
    outgoing: Vec<(Vec<u8>, usize)>,
    /// How many answers are in the transcript.
    shown: usize,
    half_closed: bool,
    /// Whether the transcript tells its end.
    ended: bool,
}

impl Line {
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
        let at = self.line(name)?;
        match &step.action {
            Action::Send(text, parts) => {
                if !self.silent {
                    self.transcript.sent(name, text);
                }
                let bytes = self.fill_in(parts)?;
                self.lines[at].outgoing.push((bytes, 1));
                return Ok(());
            }
            Action::Fill(count, byte) => {
                let shown = crate::wire::escape::visible(&[*byte]);
                self.did(name, &format!("{count} times {shown}"));
                // A long filler goes in some 4,000 writes at most.
                let bytes = vec![*byte; *count];
                self.lines[at].outgoing.push((bytes, count / 4096 + 1));
                return Ok(());
            }
            _ => self.flush(at)?,
        }
        match &step.action {
            Action::Segment => self.segment(at),
            Action::Drip(byte) => self.drip(at, *byte)?,
            Action::Read(count) => self.read(at, *count)?,
            Action::ReadContinue => self.read_continue(at)?,
            Action::ReadClose => self.read_close(at)?,
            Action::Pause(ms) => self.pause(at, *ms),
            Action::HalfClose => self.half_close(at),
            Action::Reset => self.reset(at),
            _ => {}
        }
        Ok(())
    }

    fn repeat(&mut self, times: usize, steps: &[Step]) -> Result<(), String> {
        let name = steps.first().map_or("", |step| &step.connection);
        self.did(name, &format!("repeat {times} times"));
        let outer = self.silent;
        for round in 0..times {
            self.silent = outer || round > 0;
            self.steps(steps)?;
        }
        self.silent = outer;
        self.did(name, "end of repeat");
        Ok(())
    }

    fn did(&mut self, name: &str, what: &str) {
        if !self.silent {
            self.transcript.did(name, what);
        }
    }

    /// The connection called `name`, opened on first use. What others still
    /// have to send goes out first, so that the order is the script's.
    fn line(&mut self, name: &str) -> Result<usize, String> {
        for at in 0..self.lines.len() {
            if self.lines[at].name != name {
                self.flush(at)?;
            }
        }
        if let Some(at) = self.lines.iter().position(|l| l.name == name) {
            return Ok(at);
        }
        self.lines.push(Line {
            name: name.to_owned(),
            client: Some(self.server.connect()?),
            outgoing: Vec::new(),
            shown: 0,
            half_closed: false,
            ended: false,
        });
        Ok(self.lines.len() - 1)
    }

    /// The bytes of a `>` line, with its placeholders filled in.
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
            format!("{{{name}}} stands before any answer was read")
        })?;
        let value = last.field(name).ok_or_else(|| {
            format!("{{{name}}}: the last answer has no such field")
        })?;
        Ok(value.to_owned())
    }
}
