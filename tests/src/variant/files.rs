//! The files of a stage, a sub-step or a variant, in memory.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Maps a path inside the crate to the file's text. The paths are `Cargo.toml`,
/// `src/…` and `tests/…`.
pub type Files = BTreeMap<String, String>;

/// The files of a crate: `Cargo.toml`, and everything in `src/` and `tests/`.
///
/// # Errors
/// A file can't be read or is not UTF-8.
pub fn tree(folder: &Path) -> Result<Files, String> {
    let mut files = Files::new();
    if folder.join("Cargo.toml").is_file() {
        let text = read(&folder.join("Cargo.toml"))?;
        files.insert("Cargo.toml".to_owned(), text);
    }
    for part in ["src", "tests"] {
        files.extend(folder_files(folder, part)?);
    }
    Ok(files)
}

/// Whether [`tree`] includes this path inside a crate.
#[must_use]
pub fn is_compared(file: &str) -> bool {
    let hidden = file.rsplit('/').next().is_some_and(|n| n.starts_with('.'));
    let inside = file.starts_with("src/") || file.starts_with("tests/");
    file == "Cargo.toml" || (inside && !hidden)
}

/// All files in one folder of a crate, such as `examples`. A missing folder
/// counts as empty.
///
/// # Errors
/// As [`tree`].
pub fn folder_files(folder: &Path, part: &str) -> Result<Files, String> {
    let mut files = Files::new();
    if folder.join(part).is_dir() {
        collect(&folder.join(part), part, &mut files)?;
    }
    Ok(files)
}

/// Adds all files below a folder, except hidden ones: editors create those.
fn collect(
    folder: &Path,
    prefix: &str,
    files: &mut Files,
) -> Result<(), String> {
    for (name, path) in entries(folder)? {
        let file = format!("{prefix}/{name}");
        if path.is_dir() {
            collect(&path, &file, files)?;
        } else if !name.starts_with('.') {
            files.insert(file, read(&path)?);
        }
    }
    Ok(())
}

/// The names and paths in a folder, in no particular order.
///
/// # Errors
/// The folder can't be read; the message names it.
pub fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, String> {
    let read = || -> io::Result<_> {
        fs::read_dir(folder)?
            .map(|entry| {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                Ok((name, entry.path()))
            })
            .collect()
    };
    read().map_err(|error| told(folder, &error))
}

/// Reads a text file.
///
/// # Errors
/// The file can't be read; the message names it.
pub fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| told(path, &error))
}

/// Writes a file and creates its folders. A file that already has this text is
/// not touched, because cargo rebuilds whatever is newer than the last build.
///
/// # Errors
/// The file can't be written; the message names it.
pub fn write_if_changed(path: &Path, text: &str) -> Result<(), String> {
    if fs::read(path).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(());
    }
    let write = || -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, text)
    };
    write().map_err(|error| told(path, &error))
}

/// An error message that names the file or folder.
#[must_use]
pub fn told(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}
