//! Is a lab or variant up to date with its sources?
//!
//! `cargo test -p STAGE` builds the examples of a stage. With a test name as
//! filter, or with `--test`, it does not, and the test of a lab or a variant
//! would then run a stale binary.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Fails if `program`, an example of `package`, is missing or older than one of
/// its sources. Cargo lists the sources in the `.d` file beside it.
///
/// # Errors
/// The text includes the command that builds it.
pub fn check(program: &Path, package: &str) -> Result<(), String> {
    let remedy = format!(
        "With a test name as filter, cargo builds no examples. Build \
         them:\n    cargo build -p {package} --examples"
    );
    let name = program.display();
    let Some(built) = modified(program) else {
        return Err(format!("{name} is missing. {remedy}"));
    };
    let rules = fs::read_to_string(program.with_extension("d"));
    let newer = sources(&rules.unwrap_or_default())
        .into_iter()
        .find(|source| modified(source).is_none_or(|time| time > built));
    match newer {
        None => Ok(()),
        Some(source) => {
            let source = source.display();
            Err(format!("{name} is older than {source}. {remedy}"))
        }
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

/// The sources in `TARGET: SOURCE SOURCE …`; a backslash escapes a space in a
/// name.
fn sources(rules: &str) -> Vec<PathBuf> {
    let list = rules.lines().next().and_then(|line| line.split_once(": "));
    let list = list.map_or("", |(_, sources)| sources);
    let names = list.replace("\\ ", "\0");
    let names = names.split(' ').filter(|name| !name.is_empty());
    names.map(|name| PathBuf::from(name.replace('\0', " "))).collect()
}
