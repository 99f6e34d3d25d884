//! The servers to measure: the floor, the stages, and the installed peers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A server to measure.
#[derive(Debug, Clone)]
pub struct Contender {
    /// Its name in the tables.
    pub name: String,
    /// How it is started.
    pub kind: Kind,
}

/// How a contender is started.
#[derive(Debug, Clone)]
pub enum Kind {
    /// This program itself, as `floor PORT …`.
    Floor,
    /// A stage's number, its release build, and its `--help` text.
    Stage(u32, PathBuf, String),
    /// A peer's program, and its configuration from `peers/`.
    Peer(PathBuf, &'static str),
    /// A command line with `{port}` and `{root}`.
    Other(String),
}

/// The name of the floor.
pub const FLOOR: &str = "floor";

/// The peers and their configurations.
const PEERS: [(&str, &str); 3] = [
    ("nginx", include_str!("peers/nginx.conf")),
    ("nginx-cache", include_str!("peers/nginx.conf")),
    ("lighttpd", include_str!("peers/lighttpd.conf")),
];

/// The servers found, and a sentence for each missing one.
#[derive(Debug, Default)]
pub struct Field {
    /// In the order of the tables.
    pub contenders: Vec<Contender>,
    /// `nginx is not installed`, and the like.
    pub absent: Vec<String>,
    /// Stages that don't build. That is a failure; a missing peer is not.
    pub broken: Vec<String>,
}

/// Whether one of the words selects `name`: `stage4` selects `stage4-epoll-et`.
/// No words select everything.
#[must_use]
pub fn chosen(name: &str, words: &[String]) -> bool {
    let begins = |word: &String| {
        let rest = name.strip_prefix(word.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    words.is_empty() || words.iter().any(begins)
}

/// The names of the workspace's stages, in order.
#[must_use]
pub fn stages() -> Vec<String> {
    let workspace = workspace();
    let entries = fs::read_dir(workspace).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| number(name).is_some())
        .collect();
    names.sort_by_key(|name| number(name));
    names
}

/// The directory of the workspace.
#[must_use]
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// The digit in `stage3-epoll-lt`.
fn number(name: &str) -> Option<u32> {
    name.strip_prefix("stage")?.split('-').next()?.parse().ok()
}

/// Builds the selected stages, and finds the peers.
#[must_use]
pub fn field(words: &[String], others: &[String]) -> Field {
    let mut field = Field::default();
    if chosen(FLOOR, words) {
        field.add(FLOOR, Kind::Floor);
    }
    for name in stages().into_iter().filter(|name| chosen(name, words)) {
        match build(&name) {
            Ok(kind) => field.add(&name, kind),
            Err(why) => field.broken.push(why),
        }
    }
    for (name, template) in PEERS {
        if chosen(name, words) {
            // `nginx-cache` is nginx with its file cache on.
            let program = name.split('-').next().unwrap_or(name);
            match find(program) {
                Some(program) => {
                    field.add(name, Kind::Peer(program, template));
                }
                None => field.absent.push(format!("{name} is not installed")),
            }
        }
    }
    for line in others {
        let name = line.split_whitespace().next().unwrap_or("other");
        let name = name.rsplit('/').next().unwrap_or(name);
        field.add(name, Kind::Other(line.clone()));
    }
    field
}

impl Field {
    fn add(&mut self, name: &str, kind: Kind) {
        let name = name.to_owned();
        self.contenders.push(Contender { name, kind });
    }
}

/// Has cargo build the stage optimised, like this program.
fn build(name: &str) -> Result<Kind, String> {
    let broken = || format!("{name} does not build");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--release", "--package", name])
        .current_dir(workspace())
        .stdout(Stdio::null())
        .status();
    if !built.is_ok_and(|status| status.success()) {
        return Err(broken());
    }
    let program = target().join("release").join(name);
    let help = Command::new(&program).arg("--help").output();
    let help = help.map_err(|_| broken())?.stdout;
    let help = String::from_utf8_lossy(&help).into_owned();
    let number = number(name).ok_or_else(broken)?;
    Ok(Kind::Stage(number, program, help))
}

/// Cargo's target directory: this program is `release/deps/bench-…` in it.
#[must_use]
pub fn target() -> PathBuf {
    let here = std::env::current_exe().unwrap_or_default();
    here.ancestors().nth(3).unwrap_or(Path::new("target")).to_path_buf()
}

/// A program on the search path or in `/usr/sbin`, where servers often are.
#[must_use]
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default();
    path.split(':')
        .chain(["/usr/sbin", "/usr/local/sbin"])
        .map(|folder| Path::new(folder).join(name))
        .find(|program| program.is_file())
}
