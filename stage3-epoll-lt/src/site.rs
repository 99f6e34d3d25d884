//! From a request path to a file below the root, and nothing else.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};

use crate::http::{FileState, Representation, Status, media_type};

/// The one hidden name that is public (RFC 8615).
const WELL_KNOWN: &[u8] = b".well-known";

/// How often we retry an open that fails with EAGAIN: a rename elsewhere left
/// the kernel unsure whether a `..` in a link stayed below the root. The same
/// error means that another process holds a lease on the file, which can last,
/// so we give up at some point.
const MAX_ATTEMPTS: usize = 8;

/// The directory being served. Clones share its descriptor.
#[derive(Clone)]
pub struct Site {
    root: Arc<OwnedFd>,
}

/// A file that may be served.
pub struct OpenFile {
    /// Open for reading. We send what was open when the response began,
    /// whatever happens to the name in the meantime.
    pub file: File,
    /// Its description in HTTP.
    pub representation: Representation,
}

/// What a path names.
pub enum Lookup {
    /// A file.
    File(OpenFile),
    /// A directory, named without the final slash that relative links need.
    Directory,
}

impl Site {
    /// Opens the directory to serve.
    ///
    /// # Errors
    /// If `root` is not a directory or cannot be opened, or if the kernel is
    /// older than 5.6 and has no `openat2(2)`.
    pub fn open(root: &Path) -> io::Result<Self> {
        let root = fs::File::open(root)?;
        if !root.metadata()?.is_dir() {
            return Err(Errno::ENOTDIR.into());
        }
        let site = Self { root: Arc::new(root.into()) };
        match site.open_beneath(b".") {
            Err(Errno::ENOSYS | Errno::EPERM) => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "openat2(2) is not available: this needs Linux 5.6 or later, \
                 and a container that allows it",
            )),
            Err(error) => Err(error.into()),
            Ok(_) => Ok(site),
        }
    }

    /// Finds the file for a decoded path, which begins with a slash. `now` is
    /// the second since 1970.
    ///
    /// # Errors
    /// The status to respond with: 404 if the file does not exist, is hidden,
    /// lies outside the root or is not a regular file; 403 if it may not be
    /// read; 503 when we are out of descriptors or memory.
    pub fn find(&mut self, path: &[u8], now: u64) -> Result<Lookup, Status> {
        let start = path.iter().position(|&byte| byte != b'/');
        let name = path.get(start.unwrap_or(path.len())..).unwrap_or_default();
        if is_hidden(name) {
            return Err(Status::NOT_FOUND);
        }
        let in_folder = name.is_empty() || name.ends_with(b"/");
        let file = if in_folder {
            self.open_beneath(&[name, b"index.html"].concat())
        } else {
            self.open_beneath(name)
        };
        let file = File::from(file.map_err(status)?);
        let metadata = file.metadata().map_err(|error| {
            log::warn!("fstat: {error}");
            Status::INTERNAL_ERROR
        })?;
        if metadata.is_dir() && !in_folder {
            return Ok(Lookup::Directory);
        }
        if !metadata.is_file() {
            return Err(Status::NOT_FOUND);
        }
        let media_type =
            media_type::of(if in_folder { b"index.html" } else { name });
        let state = state(&metadata);
        let representation = Representation::new(&state, now, media_type);
        Ok(Lookup::File(OpenFile { file, representation }))
    }

    /// Opens a name below the root. The kernel itself rejects every way out:
    /// `..`, a symbolic link to elsewhere, a link that changes while we look. A
    /// check of the path before the open would be a race.
    ///
    /// `O_NONBLOCK`: opening a FIFO that nobody writes to would wait for a
    /// writer. The flag has no effect on regular files.
    fn open_beneath(&self, name: &[u8]) -> nix::Result<OwnedFd> {
        let how = OpenHow::new()
            .flags(
                OFlag::O_RDONLY
                    | OFlag::O_CLOEXEC
                    | OFlag::O_NONBLOCK
                    | OFlag::O_NOCTTY,
            )
            .resolve(
                ResolveFlag::RESOLVE_BENEATH
                    | ResolveFlag::RESOLVE_NO_MAGICLINKS,
            );
        let mut opened = Err(Errno::EAGAIN);
        for _ in 0..MAX_ATTEMPTS {
            opened = openat2(self.root.as_fd(), OsStr::from_bytes(name), how);
            if !matches!(opened, Err(Errno::EINTR | Errno::EAGAIN)) {
                break;
            }
        }
        opened
    }
}

impl OpenFile {
    /// Appends `part` of the file to `out`. Returns false if not all of it
    /// could be read: the file may be shorter by now.
    pub fn append(&self, part: Range<u64>, out: &mut Vec<u8>) -> bool {
        let Ok(length) = usize::try_from(part.end - part.start) else {
            return false;
        };
        let before = out.len();
        out.resize(before + length, 0);
        let buffer = out.get_mut(before..).unwrap_or_default();
        match self.file.read_exact_at(buffer, part.start) {
            Ok(()) => true,
            Err(error) => {
                log::warn!("cannot read a file to its end: {error}");
                false
            }
        }
    }
}

/// Whether any segment of the path begins with a dot.
fn is_hidden(name: &[u8]) -> bool {
    let mut parts = name.split(|&byte| byte == b'/').enumerate();
    parts.any(|(depth, part)| {
        part.starts_with(b".") && !(depth == 0 && part == WELL_KNOWN)
    })
}

/// The status for a file that could not be opened.
fn status(error: Errno) -> Status {
    match error {
        Errno::EACCES | Errno::EPERM => Status::FORBIDDEN,
        // EXDEV: outside the root. ENXIO: a socket, or a device that does not
        // exist. ENODEV: a device without a driver.
        Errno::ENOENT
        | Errno::ENOTDIR
        | Errno::ELOOP
        | Errno::ENAMETOOLONG
        | Errno::EXDEV
        | Errno::ENXIO
        | Errno::ENODEV => Status::NOT_FOUND,
        Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM | Errno::EAGAIN => {
            log::warn!("openat2: {error}");
            Status::UNAVAILABLE
        }
        _ => {
            log::warn!("openat2: {error}");
            Status::INTERNAL_ERROR
        }
    }
}

/// What tells this state of a file from all others.
fn state(metadata: &Metadata) -> FileState {
    FileState {
        device: metadata.dev(),
        inode: metadata.ino(),
        length: metadata.len(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    }
}
