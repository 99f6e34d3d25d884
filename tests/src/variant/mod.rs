//! Variants: a stage or a sub-step, with or without patches of its own, as a
//! crate that builds outside the workspace.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`stages`] | finds the workspace and its stages |
//! | [`rung`] | every tree of the ladder: 4, 5.1, 5.2, …, 5 |
//! | [`files`] | a tree in memory, and on disk |
//! | [`header`], [`patch`], [`hunk`] | a patch file: what it says, and what it does |
//! | [`manifest`] | a `Cargo.toml` that needs no workspace |
//! | [`task`] | bugs to find and exercises to solve, for `cargo practice` |
//! | [`cargo`] | builds and tests it |

pub mod cargo;
pub mod files;
pub mod header;
pub mod hunk;
pub mod manifest;
pub mod patch;
pub mod rung;
pub mod stages;
pub mod task;

use std::collections::BTreeSet;
use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};

use files::{Files, folder_files, told, write_if_changed};
use patch::Patch;
use rung::Rung;
use stages::Ladder;

use crate::number::Number;

/// What a variant takes from the top of the workspace as it is, if it is there.
const COPIED: [&str; 3] = ["Cargo.lock", "rustfmt.toml", ".clippy.toml"];

/// The folders of a variant whose files are all its own.
const FOLDERS: [&str; 3] = ["src", "tests", "examples"];

/// The test of a stage's examples: without examples there is nothing to test.
const EXAMPLES_TEST: &str = "tests/variants.rs";

/// A tree of the ladder, changed by patches.
#[derive(Debug, Clone)]
pub struct Variant {
    /// The top of the workspace that it is made from.
    pub root: PathBuf,
    /// What it is called: `5.2`, or the name of its patch. It is part of the
    /// crate's version, so letters, digits, dots and hyphens only.
    pub name: String,
    /// What it is based on.
    pub base: Rung,
    /// What is changed, in this order.
    pub patches: Vec<Patch>,
    /// Other files that it has, such as labs.
    pub extra: Files,
}

impl Variant {
    /// A stage or a sub-step as it is. A stage brings its examples; those of a
    /// sub-step could not be built, for they use what comes later.
    ///
    /// # Errors
    /// In words, if there is no such tree or it can't be read.
    pub fn new(ladder: &Ladder, number: Number) -> Result<Self, String> {
        let base = ladder.rung(number)?;
        let mut extra = Files::new();
        if number.step.is_none() {
            extra = folder_files(&base.stage.folder, "examples")?;
        }
        let root = ladder.root.clone();
        let patches = Vec::new();
        Ok(Self { root, name: number.to_string(), base, patches, extra })
    }

    /// The same with one more patch, and called as that is: a planted bug, or
    /// the solution of an exercise.
    #[must_use]
    pub fn with(mut self, patch: Patch) -> Self {
        let stem = patch.path.file_stem().unwrap_or_default();
        self.name = stem.to_string_lossy().into_owned();
        self.patches.push(patch);
        self
    }

    /// Its files, with the `Cargo.toml` of a member of the workspace.
    ///
    /// # Errors
    /// In words, if a patch does not apply.
    pub fn files(&self) -> Result<Files, String> {
        let mut files = self.base.files.clone();
        files.extend(self.extra.clone());
        for patch in &self.patches {
            files = patch.apply(&files)?;
        }
        Ok(files)
    }

    /// Where [`Variant::build`] and [`Variant::test`] have it.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        variants(&self.root).join(&self.name)
    }

    /// Writes it as a crate that is a workspace of its own. Files that are
    /// there already and the same are left alone, and what is no longer part
    /// of it is removed from its folders.
    ///
    /// # Errors
    /// In words, if it can't be composed or written.
    pub fn write(&self, folder: &Path) -> Result<(), String> {
        let mut files = self.files()?;
        let manifest = files.remove("Cargo.toml").unwrap_or_default();
        let mut manifest = manifest::resolve(self, &manifest)?;
        if self.extra.is_empty() && files.remove(EXAMPLES_TEST).is_some() {
            manifest = manifest::without_test(&manifest, EXAMPLES_TEST);
        }
        files.insert("Cargo.toml".to_owned(), manifest);
        for name in COPIED {
            let path = self.root.join(name);
            if path.is_file() {
                files.insert(name.to_owned(), files::read(&path)?);
            }
        }
        if let Some(step) = self.sub_step() {
            let text = format!("[env]\nSUB_STEP = \"{step}\"\n");
            files.insert(".cargo/config.toml".to_owned(), text);
        }
        for (file, text) in &files {
            write_if_changed(&folder.join(file), text)?;
        }
        remove_others(folder, &files)
    }

    /// The sub-step that the shared tests must know of: the tests of 5.2 are
    /// fewer than those of stage 5.
    #[must_use]
    pub fn sub_step(&self) -> Option<String> {
        let number = self.base.number;
        number.step.map(|_| number.to_string())
    }
}

/// The folder with all variants, each in a folder of its own, and with their
/// common target folder.
#[must_use]
pub fn variants(root: &Path) -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR");
    let target = target.map_or_else(|| root.join("target"), PathBuf::from);
    root.join(target).join("variants")
}

/// Waits until no other process builds or tests variants: those of one stage
/// have their program in the same place. Dropping the lock lets the next one
/// continue.
///
/// # Errors
/// If the lock file can't be created or locked.
pub fn lock(root: &Path) -> Result<Flock<File>, String> {
    let folder = variants(root);
    let path = folder.join("lock");
    let file = fs::create_dir_all(&folder).and_then(|()| File::create(&path));
    let file = file.map_err(|error| told(&path, &error))?;
    Flock::lock(file, FlockArg::LockExclusive)
        .map_err(|(_, error)| format!("{}: {error}", path.display()))
}

/// Removes the files that a variant had when it was last written.
fn remove_others(folder: &Path, files: &Files) -> Result<(), String> {
    for part in FOLDERS {
        let there = folder_files(folder, part)?;
        let there: BTreeSet<_> = there.into_keys().collect();
        for file in there.iter().filter(|file| !files.contains_key(*file)) {
            let path = folder.join(file);
            fs::remove_file(&path).map_err(|error| told(&path, &error))?;
        }
    }
    Ok(())
}
