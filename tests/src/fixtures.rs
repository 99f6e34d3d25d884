//! The site that every test serves. Each test process builds it once, with the
//! same bytes and modification times, so that Last-Modified is the same on
//! every machine. `tests/README.md` lists the files.

use std::fs;
use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use nix::fcntl::AT_FDCWD;
use nix::sys::stat::{Mode, UtimensatFlags, utimensat};
use nix::sys::time::TimeSpec;
use tempfile::TempDir;

/// The contents of `hello.txt`.
pub const HELLO: &[u8] = b"Hello, world\n";

/// The modification time of all files but two: 2024-02-29 12:00:00 UTC.
pub const MODIFIED: i64 = 1_709_208_000;

/// The length of `big.bin`, which is created on first use.
pub const BIG: usize = 64 << 20;

/// 2100-01-01 00:00:00 UTC, and 1960-01-01 00:00:00 UTC.
const FUTURE: i64 = 4_102_444_800;
const BEFORE_1970: i64 = -315_619_200;

/// Text files: name and contents.
const TEXT_FILES: [(&str, &str); 28] = [
    ("index.html", "<!doctype html>\n<title>home</title>\n<h1>home</h1>\n"),
    ("empty.txt", ""),
    ("style.css", "body { color: #222; }\n"),
    ("script.js", "console.log('hello');\n"),
    ("data.json", "{\"answer\": 42}\n"),
    (
        "logo.svg",
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1 1\"/>\n",
    ),
    ("unknown.zzz", "what am I?\n"),
    ("noextension", "nor I\n"),
    ("sub/index.html", "<!doctype html>\n<title>sub</title>\n"),
    ("bare/file.txt", "in a directory without an index\n"),
    ("a/b/c/deep.txt", "deep\n"),
    (".hidden", "hidden\n"),
    (".secret/file.txt", "secret\n"),
    ("sub/.hidden", "hidden in sub\n"),
    (".well-known/security.txt", "Contact: mailto:security@example\n"),
    ("unreadable.txt", "nobody reads this\n"),
    ("unreadable/index.html", "nor this\n"),
    ("module.mjs", "export default 42;\n"),
    ("common.cjs", "module.exports = 42;\n"),
    ("script.js.map", "{\"version\": 3}\n"),
    ("app.webmanifest", "{\"name\": \"app\"}\n"),
    ("add.wasm", "\0asm\x01\0\0\0"),
    ("photo.avif", "not really\n"),
    ("font.woff2", "not really\n"),
    ("d|r/index.html", "<!doctype html>\n<title>d|r</title>\n"),
    ("a\"<>[]^`{}b/c/index.html", "<!doctype html>\n<title>c</title>\n"),
    ("future.txt", "from 2100\n"),
    ("past.txt", "from 1960\n"),
];

/// Files whose names need percent-encoding, or look as if they did.
const UNUSUAL_NAMES: [&str; 7] = [
    "with space.txt",
    "100%.txt",
    "%41.txt",
    "gr\u{fc}\u{df}e.txt",
    "a+b.txt",
    "what?.txt",
    "c#.txt",
];

/// The 67 bytes of a PNG of one pixel.
const PIXEL: [u8; 67] = *b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\
    \x08\0\0\0\0\x3a\x7e\x9b\x55\0\0\0\nIDATx\x9cc`\0\0\0\x02\0\x01\x48\xaf\
    \xa4\x71\0\0\0\0IEND\xaeB`\x82";

/// The site, and the directory around it, which no server may reach.
#[derive(Debug)]
pub struct Site {
    folder: TempDir,
    root: PathBuf,
    big: Mutex<bool>,
    built: Instant,
}

static SITE: OnceLock<Site> = OnceLock::new();

/// The site of this process, built on the first call.
///
/// # Panics
/// If it can't be built: no test can run then.
#[must_use]
pub fn site() -> &'static Site {
    SITE.get_or_init(|| build().expect("the fixture site must be writable"))
}

/// Waits until the site is old enough for strong tags. A tag is weak while the
/// file could change again within the same tick of its file system's clock (RFC
/// 9110 section 8.8.1), and the coarsest tick is 2 s. One more second covers
/// servers that cache the weak tag.
pub fn until_settled() {
    const AGE: Duration = Duration::from_millis(3200);
    thread::sleep(AGE.saturating_sub(site().built.elapsed()));
}

/// Removes the site, if it was built. Called once, after the last test.
pub fn remove() {
    if let Some(site) = SITE.get() {
        for name in ["unreadable", "unreadable.txt"] {
            let _ = set_mode(&site.root.join(name), 0o700);
        }
        let _ = fs::remove_dir_all(site.folder.path());
    }
}

/// A file name with every printable ASCII byte except `/` and `\`, plus `.txt`.
#[must_use]
pub fn every_byte_name() -> String {
    let printable = (b' '..=b'~').map(char::from);
    let name: String = printable.filter(|c| !"/\\".contains(*c)).collect();
    name + ".txt"
}

/// The byte at `position` of every patterned file. The pattern repeats only
/// after 251 * 256 bytes, so a block that is sent twice or left out shows.
#[must_use]
pub fn pattern(position: usize) -> u8 {
    let mixed = (position % 251) ^ (position >> 8);
    mixed.to_le_bytes()[0]
}

impl Site {
    /// The directory to serve.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Creates `big.bin`, [`BIG`] patterned bytes, if it doesn't exist yet.
    ///
    /// # Errors
    /// As write(2).
    pub fn big(&self) -> io::Result<()> {
        let mut made = self.big.lock().unwrap_or_else(PoisonError::into_inner);
        if !*made {
            patterned(&self.root.join("big.bin"), BIG)?;
            *made = true;
        }
        Ok(())
    }
}

fn build() -> io::Result<Site> {
    let folder = TempDir::with_prefix("conversations-")?;
    let root = folder.path().join("site");
    // mkdtemp(3) makes it 0700; any user must be able to reach the site.
    set_mode(folder.path(), 0o755)?;
    for (name, text) in TEXT_FILES {
        write(&root, name, text.as_bytes())?;
    }
    write(&root, "hello.txt", HELLO)?;
    write(&root, "pixel.png", &PIXEL)?;
    for name in UNUSUAL_NAMES {
        write(&root, name, format!("{name}\n").as_bytes())?;
    }
    write(&root, &every_byte_name(), b"every printable byte\n")?;
    write(&root, "../outside.txt", b"outside\n")?;
    // The servers send a body of up to 16 KiB in one write with its head. These
    // are just below and just above that limit.
    patterned(&root.join("size-16384.bin"), 16384)?;
    patterned(&root.join("size-16385.bin"), 16385)?;
    patterned(&root.join("mebibyte.bin"), 1 << 20)?;
    links(&root)?;
    special(&root)?;
    touch_all(&root)?;
    touch(&root.join("future.txt"), FUTURE)?;
    touch(&root.join("past.txt"), BEFORE_1970)?;
    set_mode(&root.join("unreadable.txt"), 0)?;
    set_mode(&root.join("unreadable"), 0)?;
    Ok(Site { folder, root, big: Mutex::new(false), built: Instant::now() })
}

fn write(root: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let path = root.join(name);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(&path, bytes)
}

/// Creates a file of `length` patterned bytes, with the modification time of
/// all the others.
///
/// # Errors
/// As write(2).
pub fn patterned(path: &Path, length: usize) -> io::Result<()> {
    let mut file = io::BufWriter::new(fs::File::create(path)?);
    let mut block = Vec::with_capacity(65536);
    for start in (0..length).step_by(65536) {
        block.clear();
        block.extend((start..length.min(start + 65536)).map(pattern));
        file.write_all(&block)?;
    }
    file.flush()?;
    touch(path, MODIFIED)
}

fn links(root: &Path) -> io::Result<()> {
    symlink("hello.txt", root.join("link-inside.txt"))?;
    symlink("sub", root.join("link-directory"))?;
    symlink("../outside.txt", root.join("link-outside.txt"))?;
    symlink(root.join("hello.txt"), root.join("link-absolute.txt"))?;
    symlink("link-loop.txt", root.join("link-loop.txt"))?;
    symlink("nowhere.txt", root.join("link-dangling.txt"))?;
    symlink("/dev/null", root.join("link-device"))
}

fn special(root: &Path) -> io::Result<()> {
    nix::unistd::mkfifo(&root.join("fifo"), Mode::from_bits_truncate(0o644))?;
    // The name stays after the listener is closed. We bind below an open
    // directory because a socket address holds 108 bytes (unix(7)) and TMPDIR
    // may be longer.
    let folder = fs::File::open(root)?;
    let path = format!("/proc/self/fd/{}/socket", folder.as_raw_fd());
    UnixListener::bind(path).map(drop)
}

fn touch_all(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            touch_all(&entry.path())?;
        }
        touch(&entry.path(), MODIFIED)?;
    }
    touch(folder, MODIFIED)
}

/// Sets the modification time by name: opening a FIFO would block.
fn touch(path: &Path, seconds: i64) -> io::Result<()> {
    let time = TimeSpec::new(seconds, 0);
    let flags = UtimensatFlags::NoFollowSymlink;
    Ok(utimensat(AT_FDCWD, path, &time, &time, flags)?)
}

fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// [`MODIFIED`] as a `SystemTime`, for comparisons.
#[must_use]
pub fn modified() -> SystemTime {
    let seconds = u64::try_from(MODIFIED).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}
