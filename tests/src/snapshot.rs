//! One snapshot per promise, stored by insta in `tests/snapshots`.
//!
//! We compare ourselves, to print a readable failure; insta writes the files
//! (`.snap.new` beside the snapshot, or the snapshot itself if asked to).

use std::cell::Cell;
use std::env;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd as _;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::Once;

use crate::stage::Stage;

/// How to accept a new snapshot; ends the failure about a missing one.
pub const HOW_TO_ACCEPT: &str = "Read the output. If it keeps the promise, \
    accept it: run the test again with INSTA_UPDATE=always, or `cargo insta \
    review` if you have it, and look at the file with `git diff`.";

thread_local! {
    static IN_INSTA: Cell<bool> = const { Cell::new(false) };
}

/// A snapshot file: `tests/snapshots/GROUP/NAME.snap`.
#[derive(Debug, Clone)]
pub struct Slot {
    /// The folder: a script's group, or a stage's name.
    pub group: String,
    /// The name of the script or of the test.
    pub name: String,
}

/// The result of a comparison.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Equal.
    Same,
    /// There is no snapshot yet.
    Missing,
    /// Different; the stored text.
    Differs(String),
}

/// The directory of the snapshots.
#[must_use]
pub fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots"))
}

/// The name of a stage, and so of the folder with its snapshots.
fn folder_of(stage: u32) -> Option<String> {
    let start = format!("stage{stage}-");
    let entries = fs::read_dir(folder()).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name());
    let mut names = names.map(|name| name.to_string_lossy().into_owned());
    names.find(|name| name.starts_with(&start))
}

/// Whether this run may change accepted snapshots. Never in CI.
#[must_use]
pub fn is_updating() -> bool {
    let update = env::var("INSTA_UPDATE").unwrap_or_default();
    !in_ci() && ["always", "force", "unseen"].contains(&update.as_str())
}

fn in_ci() -> bool {
    env::var("CI").is_ok_and(|value| value != "0" && value != "false")
}

impl Slot {
    /// A stage's own snapshot. A sub-step has one only where it differs from
    /// what was before it, and otherwise keeps to that.
    #[must_use]
    pub fn of(stage: &Stage, name: &str, got: &str) -> Self {
        let slot = |group| Self { group, name: name.to_owned() };
        let Some(step) = stage.at.step else {
            return slot(stage.name.clone());
        };
        let steps = (1..=step).rev();
        let earlier = steps.map(|step| format!("stage{}.{step}", stage.number));
        let mut groups = earlier.chain(folder_of(stage.number - 1));
        let stored = groups.by_ref().map(slot).find(|s| s.stored().is_some());
        stored
            .filter(|it| it.stored().as_deref() == Some(got.trim_end()))
            .unwrap_or_else(|| slot(format!("stage{}", stage.at)))
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        folder().join(&self.group).join(format!("{}.snap", self.name))
    }

    /// The path from the top of the repository.
    #[must_use]
    pub fn shown(&self) -> String {
        format!("tests/snapshots/{}/{}.snap", self.group, self.name)
    }

    /// The accepted text, if it exists.
    #[must_use]
    pub fn stored(&self) -> Option<String> {
        let text = fs::read_to_string(self.path()).ok()?;
        // The file begins with `---`, fields, and `---` again.
        let (_, text) = text.strip_prefix("---\n")?.split_once("\n---\n")?;
        Some(text.trim_end().to_owned())
    }

    /// Compares `got` with the accepted text, and never writes.
    #[must_use]
    pub fn compare(&self, got: &str) -> Verdict {
        match self.stored() {
            Some(stored) if stored == got.trim_end() => Verdict::Same,
            Some(stored) => Verdict::Differs(stored),
            None => Verdict::Missing,
        }
    }

    /// Compares, and lets insta write a difference: beside the accepted file,
    /// or over it with `INSTA_UPDATE=always`. In CI nothing is written.
    #[must_use]
    pub fn check(&self, promise: &str, got: &str) -> Verdict {
        // Test processes share insta's files: one at a time.
        let _turn = lock();
        let verdict = self.compare(got);
        if verdict != Verdict::Same && !in_ci() {
            self.hand_to_insta(promise, got);
        }
        if self.compare(got) == Verdict::Same {
            // A `.snap.new` from an earlier failure is stale now.
            let _ = fs::remove_file(self.path().with_extension("snap.new"));
            return Verdict::Same;
        }
        verdict
    }

    fn hand_to_insta(&self, promise: &str, got: &str) {
        silence_insta();
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(folder().join(&self.group));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.set_description(promise);
        IN_INSTA.set(true);
        // It panics on a difference; the verdict is ours.
        let assert = || insta::assert_snapshot!(self.name.as_str(), got);
        let bound = AssertUnwindSafe(|| settings.bind(assert));
        let _ = panic::catch_unwind(bound);
        IN_INSTA.set(false);
    }
}

/// Hides insta's panic message, and no other.
fn silence_insta() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IN_INSTA.get() {
                usual(info);
            }
        }));
    });
}

/// The directory itself is the lock file: nothing is left behind.
fn lock() -> io::Result<File> {
    let folder = File::open(folder())?;
    // SAFETY: no pointers are passed.
    let done = unsafe { libc::flock(folder.as_raw_fd(), libc::LOCK_EX) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(folder) }
}

/// Every snapshot file, as `GROUP/NAME`.
#[must_use]
pub fn find_all() -> Vec<Slot> {
    let list = |path: &Path| {
        let entries = fs::read_dir(path).into_iter().flatten();
        entries.filter_map(Result::ok).map(|entry| entry.path())
    };
    let mut slots = Vec::new();
    for path in
        list(folder()).flat_map(|group| list(&group).collect::<Vec<_>>())
    {
        let group = path.parent().and_then(Path::file_name);
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.and_then(|name| name.strip_suffix(".snap"));
        if let (Some(group), Some(name)) = (group, name) {
            let group = group.to_string_lossy().into_owned();
            slots.push(Slot { group, name: name.to_owned() });
        }
    }
    slots
}
