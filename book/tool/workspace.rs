//! Finds the workspace, the book and the stages.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use toml::{Table, Value};

/// The folders that the book is built from.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The top folder, which holds the stages and `tests`.
    pub root: PathBuf,
    /// The folder with `book.toml`.
    pub book: PathBuf,
}

impl Workspace {
    /// Finds the book. When cargo runs this program, it passes the package's
    /// folder. Otherwise the book is below the current folder or a parent.
    ///
    /// # Errors
    ///
    /// None of these places has a `book/book.toml`.
    pub fn find() -> Result<Self> {
        let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        if let Some(book) = package
            && book.join("book.toml").is_file()
        {
            return Self::around(&book);
        }
        let here = env::current_dir().context("no current folder")?;
        for folder in here.ancestors() {
            let book = folder.join("book");
            if book.join("book.toml").is_file() {
                return Self::around(&book);
            }
        }
        bail!("no book/book.toml above {}", here.display())
    }

    /// The workspace around the folder of a `book.toml`.
    ///
    /// # Errors
    ///
    /// The folder does not exist, or is the root of the file system.
    pub fn around(book: &Path) -> Result<Self> {
        let book = book
            .canonicalize()
            .with_context(|| format!("cannot find {}", book.display()))?;
        let root = book.parent().context("the book has no parent")?;
        Ok(Self { root: root.to_path_buf(), book })
    }

    /// The folder with the book's Markdown.
    pub fn src(&self) -> PathBuf {
        self.book.join("src")
    }

    /// The names of the stages' folders, in order: `stage1-blocking`, ... Only
    /// members of the workspace count.
    pub fn stages(&self) -> Vec<String> {
        let manifest = fs::read_to_string(self.root.join("Cargo.toml"));
        let manifest: Option<Table> =
            manifest.ok().and_then(|text| toml::from_str(&text).ok());
        let members = manifest
            .as_ref()
            .and_then(|table| table.get("workspace")?.get("members"))
            .and_then(Value::as_array);
        let mut stages: Vec<String> = members
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .filter(|name| stage_number(name).is_some())
            .map(str::to_string)
            .collect();
        stages.sort_by_key(|name| stage_number(name));
        stages
    }

    /// The folder of stage `number`, if there is exactly one.
    pub fn stage(&self, number: u32) -> Result<String, String> {
        let mut found = self.stages();
        found.retain(|name| stage_number(name) == Some(number));
        match found.as_slice() {
            [stage] => Ok(stage.clone()),
            [] => Err(format!("there is no stage {number}")),
            _ => Err(format!("stage {number} has several folders")),
        }
    }

    /// All Rust files of a stage that a reader may want to open, as paths from
    /// the workspace's root, sorted by name.
    pub fn stage_files(&self, stage: &str) -> Vec<String> {
        ["src", "examples"]
            .iter()
            .flat_map(|part| {
                files_below(&self.root, &format!("{stage}/{part}"))
            })
            .filter(|path| has_extension(path, "rs"))
            .collect()
    }
}

/// `stage3-epoll-lt` is stage 3.
fn stage_number(name: &str) -> Option<u32> {
    name.strip_prefix("stage")?.split_once('-')?.0.parse().ok()
}

/// Whether a path ends in `.extension`.
pub fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}

/// All files below `root/folder`, as sorted paths from `root`. A missing folder
/// counts as empty.
pub fn files_below(root: &Path, folder: &str) -> Vec<String> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root.join(folder)).into_iter().flatten().flatten()
    {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = format!("{folder}/{name}");
        if entry.path().is_dir() {
            files.extend(files_below(root, &path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}
