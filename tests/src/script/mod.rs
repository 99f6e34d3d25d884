//! Scripts: what `tests/conversations/GROUP/NAME.http` says.

mod parse;

use std::fs;
use std::path::{Path, PathBuf};

pub use parse::parse;

use crate::number::Number;
use crate::wire::escape::Part;

/// A conversation, read from a file.
#[derive(Debug, Clone)]
pub struct Script {
    /// The promise: the file's first comment, one string a line.
    pub promise: Vec<String>,
    /// The first stage that keeps it.
    pub from: Number,
    /// The last stage that keeps it.
    pub until: Number,
    /// More flags for the server.
    pub flags: Vec<String>,
    /// Whether it also runs byte by byte.
    pub split: bool,
    /// Whether it also runs with a server that moves a byte at a time.
    pub io_limit: bool,
    /// The conversation.
    pub steps: Vec<Step>,
}

/// One line of a conversation, on the connection it names. The name is empty
/// where a script has one connection only.
#[derive(Debug, Clone)]
pub struct Step {
    /// The line in the file, from 1.
    pub line: usize,
    /// The connection: empty, or one capital letter.
    pub connection: String,
    /// What to do.
    pub action: Action,
}

/// What a line asks for.
#[derive(Debug, Clone)]
pub enum Action {
    /// `> text`: send it. The text as written, and what it stands for.
    Send(String, Vec<Part>),
    /// `fill N C`: send N bytes C.
    Fill(usize, u8),
    /// `drip C`: send one byte C after the other, slowly, until the server
    /// answers or closes.
    Drip(u8),
    /// `repeat N` … `end`: the steps between, N times.
    Repeat(usize, Vec<Step>),
    /// `segment`: what follows is a segment, and a read, of its own.
    Segment,
    /// `connect`: open the connection and send nothing yet.
    Connect,
    /// `read N`: wait for N final answers.
    Read(usize),
    /// `read continue`: wait for `100 Continue`.
    ReadContinue,
    /// `read close`: wait until the server closes.
    ReadClose,
    /// `pause N ms`: let time go by; whatever comes is recorded.
    Pause(u64),
    /// `half-close`: end the sending direction.
    HalfClose,
    /// `reset`: end the connection by a RST.
    Reset,
}

impl Script {
    /// Whether an entity tag from an answer goes into a later request.
    #[must_use]
    pub fn repeats_tags(&self) -> bool {
        fn any(steps: &[Step]) -> bool {
            steps.iter().any(|step| match &step.action {
                Action::Send(text, _) => text.contains("{etag}"),
                Action::Repeat(_, steps) => any(steps),
                _ => false,
            })
        }
        any(&self.steps)
    }
}

/// A script's place: `GROUP::NAME`, and the file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The folder under `tests/conversations`.
    pub group: String,
    /// The file name without `.http`.
    pub name: String,
    /// The file.
    pub path: PathBuf,
}

impl Place {
    /// The path as a reader at the top of the repository would write it.
    #[must_use]
    pub fn shown(&self) -> String {
        format!("tests/conversations/{}/{}.http", self.group, self.name)
    }

    /// Reads and parses the file.
    ///
    /// # Errors
    /// `FILE:LINE: what is wrong`.
    pub fn load(&self) -> Result<Script, String> {
        let shown = self.shown();
        let text = fs::read_to_string(&self.path)
            .map_err(|error| format!("{shown}:1: {error}"))?;
        parse(&text).map_err(|(line, why)| format!("{shown}:{line}: {why}"))
    }
}

/// Where the scripts are.
#[must_use]
pub fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/conversations"))
}

/// All scripts below `folder`, in the order of their names.
#[must_use]
pub fn find_all(folder: &Path) -> Vec<Place> {
    let mut places = Vec::new();
    for group in entries(folder) {
        for path in entries(&group) {
            let is_script = path.extension().is_some_and(|e| e == "http");
            let (Some(group), Some(name)) =
                (group.file_name(), path.file_stem())
            else {
                continue;
            };
            if is_script {
                places.push(Place {
                    group: group.to_string_lossy().into_owned(),
                    name: name.to_string_lossy().into_owned(),
                    path,
                });
            }
        }
    }
    places.sort();
    places
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let listing = fs::read_dir(folder).into_iter().flatten();
    listing.filter_map(Result::ok).map(|entry| entry.path()).collect()
}
