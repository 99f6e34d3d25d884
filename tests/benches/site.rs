//! The files that every server serves, in a temporary directory.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::TempDir;

/// The small file, in bytes.
pub const SMALL: usize = 1024;

/// The large file, in bytes.
pub const LARGE: usize = 64 * 1024 * 1024;

/// The directory; deleted when dropped.
#[derive(Debug)]
pub struct Site {
    folder: TempDir,
}

impl Site {
    /// Writes both files. The large one is in the page cache afterwards, so
    /// no run reads the disk.
    ///
    /// # Errors
    /// As open(2), write(2).
    pub fn build() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("bench-").tempdir()?;
        // nginx started by root runs its worker as another user.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755))?;
        let root = folder.path().join("root");
        fs::create_dir(&root)?;
        fs::write(root.join("small.bin"), [b'x'; SMALL])?;
        let mut large = File::create(root.join("large.bin"))?;
        let block = vec![b'x'; 1024 * 1024];
        for _ in 0..LARGE / block.len() {
            large.write_all(&block)?;
        }
        Ok(Self { folder })
    }

    /// Beside the root: for configurations and files that peers write.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The served directory: `/small.bin` and `/large.bin`.
    #[must_use]
    pub fn root(&self) -> std::path::PathBuf {
        self.folder.path().join("root")
    }
}
