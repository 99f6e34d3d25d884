//! A variant is a stage or a sub-step, possibly changed by patches, written as
//! a crate that builds outside the workspace.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`stages`] | finds the workspace and its stages |
//! | [`rung`] | composes every tree of the ladder: 4, 5.1, 5.2, …, 5 |
//! | [`files`] | reads and writes the files of a tree |
//! | [`header`], [`patch`], [`hunk`] | read, apply and write patch files |
//! | [`manifest`] | makes a `Cargo.toml` that needs no workspace |
//! | [`task`] | the bugs and exercises of `cargo practice` |
//! | [`cargo`] | builds and tests a variant |

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

/// Files that a variant copies from the workspace root, if they exist.
const COPIED: [&str; 3] = ["Cargo.lock", "rustfmt.toml", ".clippy.toml"];

/// The folders in which a variant owns every file.
const FOLDERS: [&str; 3] = ["src", "tests", "examples"];

/// The test of a stage's examples. A variant without examples omits it.
const EXAMPLES_TEST: &str = "tests/variants.rs";

/// A tree of the ladder, possibly changed by patches.
#[derive(Debug, Clone)]
pub struct Variant {
    /// The root of the workspace that it is made from.
    pub root: PathBuf,
    /// Its name: `5.2`, or the name of its patch. The name is part of the
    /// crate's version, so it may contain only letters, digits, dots and
    /// hyphens.
    pub name: String,
    /// The tree that it is based on.
    pub base: Rung,
    /// The patches, in the order in which they apply.
    pub patches: Vec<Patch>,
    /// Additional files, such as labs.
    pub extra: Files,
}

impl Variant {
    /// A stage or a sub-step without patches. A stage includes its examples. A
    /// sub-step has none, because the stage's examples need later code.
    ///
    /// # Errors
    /// The tree does not exist or can't be read.
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

    /// Adds a patch, such as a planted bug or the solution to an exercise, and
    /// names the variant after it.
    #[must_use]
    pub fn with(mut self, patch: Patch) -> Self {
        let stem = patch.path.file_stem().unwrap_or_default();
        self.name = stem.to_string_lossy().into_owned();
        self.patches.push(patch);
        self
    }

    /// Its files. The `Cargo.toml` is still that of a workspace member.
    ///
    /// # Errors
    /// A patch does not apply.
    pub fn files(&self) -> Result<Files, String> {
        let mut files = self.base.files.clone();
        files.extend(self.extra.clone());
        for patch in &self.patches {
            files = patch.apply(&files)?;
        }
        Ok(files)
    }

    /// The folder that [`Variant::build`] and [`Variant::test`] use.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        variants(&self.root).join(&self.name)
    }

    /// Writes the variant as a crate outside the workspace. Files that already
    /// have the right text are not touched, and files that are no longer part
    /// of it are removed.
    ///
    /// # Errors
    /// A patch does not apply, or a file can't be written.
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

    /// The sub-step, if it is one. The shared tests need to know it, because
    /// 5.2 must pass fewer of them than stage 5.
    #[must_use]
    pub fn sub_step(&self) -> Option<String> {
        let number = self.base.number;
        number.step.map(|_| number.to_string())
    }
}

/// The folder that contains one folder per variant, and the target folder they
/// share.
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

/// Removes files left over from the last time the variant was written.
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
