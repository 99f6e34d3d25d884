//! The folder with the learner's work, and which task is meant.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use conversations::command::Failure;
use conversations::variant::stages::Ladder;
use conversations::variant::task::Task;

use crate::progress::Progress;

/// Names that differ in more letters than this are not taken for a slip.
const SLIP: f32 = 0.5;

/// The stages, the tasks, and the learner's folder.
pub struct Place {
    /// The stages.
    pub ladder: Ladder,
    /// All tasks by name.
    pub tasks: BTreeMap<String, Task>,
    /// `practice/`.
    pub folder: PathBuf,
    /// The task whose folder is the current one.
    here: Option<String>,
}

impl Place {
    /// Looks for the workspace in a folder and in those above it.
    ///
    /// # Errors
    /// If there is none, or a patch can't be read.
    pub fn find(here: &Path, folder: Option<PathBuf>) -> Result<Self, String> {
        let ladder = Ladder::find(here)?;
        let tasks = ladder.tasks()?;
        let folder = match folder {
            Some(folder) => here.join(folder),
            None => ladder.root.join("practice"),
        };
        let below = here.strip_prefix(&folder).ok();
        let name = below.and_then(|below| below.iter().next());
        let here = name.map(|name| name.to_string_lossy().into_owned());
        Ok(Self { ladder, tasks, folder, here })
    }

    /// Where the crate of a task is.
    pub fn crate_of(&self, task: &Task) -> PathBuf {
        self.folder.join(&task.name)
    }

    /// The task of this name.
    ///
    /// # Errors
    /// If there is none; the text names the nearest.
    pub fn task(&self, name: &str) -> Result<&Task, Failure> {
        self.tasks.get(name).ok_or_else(|| {
            let near = nearest(self.tasks.keys(), name);
            let near = near.map_or_else(
                || "`cargo practice list` shows them all".to_owned(),
                |near| format!("did you mean {near}?"),
            );
            Failure::Usage(format!("there is no task {name}: {near}"))
        })
    }

    /// The task that is meant: the one named, that of the current folder, or
    /// the one started last.
    ///
    /// # Errors
    /// If there is no such task, or none has been started.
    pub fn meant(&self, name: Option<&str>) -> Result<&Task, Failure> {
        let last = Progress::load(&self.folder)?.current;
        let name = name.map(str::to_owned).or(self.here.clone()).or(last);
        match name {
            Some(name) => self.task(&name),
            None => Err(Failure::Usage(
                "you have not started anything yet: `cargo practice list` \
                 shows what there is"
                    .to_owned(),
            )),
        }
    }
}

/// The known name that is most like `name`.
fn nearest<'a>(
    known: impl Iterator<Item = &'a String>,
    name: &str,
) -> Option<&'a str> {
    known
        .map(|known| {
            let diff = similar::TextDiff::from_chars(known.as_str(), name);
            (diff.ratio(), known.as_str())
        })
        .filter(|(ratio, _)| *ratio >= SLIP)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}
