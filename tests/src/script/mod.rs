//! Scripts: the contents of `tests/conversations/GROUP/NAME.http`.

mod parse;

use std::fs;
use std::path::{Path, PathBuf};

pub use parse::parse;

use crate::number::Number;
use crate::wire::escape::Part;

/// A conversation, read from a file.
#[derive(Debug, Clone)]
pub struct Script {
    /// The promise: the file's first comment, one string per line.
    pub promise: Vec<String>,
    /// The first stage that keeps it.
    pub from: Number,
    /// The last stage that keeps it.
    pub until: Number,
    /// Extra flags for the server.
    pub flags: Vec<String>,
    /// Whether it also runs byte by byte.
    pub split: bool,
    /// Whether it also runs with tiny I/O.
    pub io_limit: bool,
    /// Whether it applies to servers other than the stages.
    pub any_server: bool,
    /// The conversation.
    pub steps: Vec<Step>,
}

/// One line of a conversation and its connection. The name is empty in a script
/// with a single connection.
#[derive(Debug, Clone)]
pub struct Step {
    /// The line in the file, from 1.
    pub line: usize,
    /// The connection: empty, or one capital letter.
    pub connection: String,
    /// The action.
    pub action: Action,
}

/// The action of a line.
#[derive(Debug, Clone)]
pub enum Action {
    /// `> text`: send it. Holds the text as written, and its bytes.
    Send(String, Vec<Part>),
    /// `fill N C`: send N bytes C.
    Fill(usize, u8),
    /// `drip C`: send byte C repeatedly, slowly, until the server responds or
    /// closes.
    Drip(u8),
    /// `repeat N` … `end`: the steps between, N times.
    Repeat(usize, Vec<Step>),
    /// `segment`: start a new segment, after the server has read the last one.
    Segment,
    /// `connect`: open the connection and send nothing yet.
    Connect,
    /// `read N`: wait for N final responses.
    Read(usize),
    /// `read continue`: wait for `100 Continue`.
    ReadContinue,
    /// `read close`: wait until the server closes.
    ReadClose,
    /// `pause N ms`: sleep, then record what has arrived.
    Pause(u64),
    /// `half-close`: end the sending direction.
    HalfClose,
    /// `reset`: abort the connection with a RST.
    Reset,
}

impl Script {
    /// Whether a later request uses an entity tag from a response.
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

/// A script's name, `GROUP::NAME`, and its file.
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
    /// The path from the top of the repository.
    #[must_use]
    pub fn shown(&self) -> String {
        format!("tests/conversations/{}/{}.http", self.group, self.name)
    }

    /// Reads and parses the file.
    ///
    /// # Errors
    /// `FILE:LINE: reason`.
    pub fn load(&self) -> Result<Script, String> {
        let shown = self.shown();
        let text = fs::read_to_string(&self.path)
            .map_err(|error| format!("{shown}:1: {error}"))?;
        parse(&text).map_err(|(line, why)| format!("{shown}:{line}: {why}"))
    }
}

/// The directory of the scripts.
#[must_use]
pub fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/conversations"))
}

/// All scripts below `folder`, sorted by name.
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
