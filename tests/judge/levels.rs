//! Reads `levels.toml`, and gives each promise its level.

use std::sync::Arc;

use conversations::promise::{self, Needs, Promise};
use conversations::stage::Stage;
use serde::Deserialize;

const FILE: &str = include_str!("levels.toml");

/// The stage that keeps all promises.
pub const LAST: u32 = 6;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    level: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    title: String,
    says: String,
    chapter: String,
    labs: Vec<String>,
    #[serde(default)]
    teaches: Option<Teaches>,
    promises: Vec<String>,
}

/// What later levels may rely on.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Teaches {
    KeepAlive,
    Pieces,
    Pipelining,
}

/// One level.
pub struct Level {
    /// From 1.
    pub number: usize,
    pub title: String,
    pub says: String,
    /// The page of the book to read.
    pub chapter: String,
    /// `STAGE/EXAMPLE` each.
    pub labs: Vec<String>,
    pub questions: Vec<Question>,
}

/// A promise, and how it is asked for.
#[derive(Clone)]
pub struct Question {
    pub promise: Arc<Promise>,
    /// Byte by byte as well.
    pub pieces: bool,
    /// Whether an earlier level asked for it, but not byte by byte.
    pub again: bool,
}

/// The levels, for what a server must do up to this stage.
///
/// # Errors
/// If a script can't be read, or if a promise belongs to no level or to two.
pub fn read(stage: &Stage) -> Result<Vec<Level>, String> {
    let table: Table = toml::from_str(FILE)
        .map_err(|error| format!("judge/levels.toml: {error}"))?;
    let patterns: Vec<(usize, &String)> = table
        .level
        .iter()
        .enumerate()
        .flat_map(|(level, it)| it.promises.iter().map(move |p| (level, p)))
        .collect();
    let mut placed: Vec<Vec<Arc<Promise>>> = vec![Vec::new(); patterns.len()];
    let mut moved: Vec<Vec<Arc<Promise>>> = vec![Vec::new(); table.level.len()];
    for promise in promise::all(stage)? {
        let place = place(&promise, &patterns)?;
        let least = least_level(&promise, &table.level);
        if patterns[place].0 < least {
            moved[least].push(Arc::new(promise));
        } else {
            placed[place].push(Arc::new(promise));
        }
    }
    let mut levels: Vec<Level> = Vec::new();
    let mut pieces = false;
    for (index, entry) in table.level.iter().enumerate() {
        let repeats = entry.teaches == Some(Teaches::Pieces);
        pieces |= repeats;
        let own = patterns.iter().zip(&placed).filter(|it| it.0.0 == index);
        let own = own.flat_map(|(_, promises)| promises);
        let ask = |promise: &Arc<Promise>| {
            let promise = Arc::clone(promise);
            Question { promise, pieces, again: false }
        };
        let mut questions: Vec<Question> =
            own.chain(&moved[index]).map(ask).collect();
        if repeats {
            questions.extend(again(&levels));
        }
        levels.push(Level {
            number: index + 1,
            title: entry.title.clone(),
            says: entry.says.clone(),
            chapter: entry.chapter.clone(),
            labs: entry.labs.clone(),
            questions,
        });
    }
    Ok(levels)
}

/// The first level that may ask for it: a script may need keep-alive or
/// pipelining for a promise about something else.
fn least_level(promise: &Promise, levels: &[Entry]) -> usize {
    let teaches = match promise.needs() {
        Needs::Nothing => return 0,
        Needs::KeepAlive => Teaches::KeepAlive,
        Needs::Pipelining => Teaches::Pipelining,
    };
    let level = levels.iter().position(|it| it.teaches == Some(teaches));
    level.unwrap_or_default()
}

/// The pattern that fits most closely.
fn place(
    promise: &Promise,
    patterns: &[(usize, &String)],
) -> Result<usize, String> {
    let name = &promise.name;
    let fits = |(place, (_, pattern)): (usize, &(usize, &String))| {
        Some((promise.fits(pattern)?, place))
    };
    let mut all: Vec<_> =
        patterns.iter().enumerate().filter_map(fits).collect();
    all.sort_unstable();
    match all.as_slice() {
        [] => Err(format!("judge/levels.toml: {name} has no level")),
        [.., (one, _), (other, _)] if one == other => {
            Err(format!("judge/levels.toml: {name} has two levels"))
        }
        [.., (_, place)] => Ok(*place),
    }
}

/// What the earlier levels asked, byte by byte.
fn again(levels: &[Level]) -> Vec<Question> {
    let earlier = levels.iter().flat_map(|level| &level.questions);
    earlier
        .filter(|question| question.promise.has_pieces())
        .map(|it| Question { pieces: true, again: true, ..it.clone() })
        .collect()
}

impl Question {
    /// Its name in a report.
    pub fn name(&self) -> String {
        let suffix = if self.again { " byte by byte" } else { "" };
        format!("{}{suffix}", self.promise.name)
    }
}
