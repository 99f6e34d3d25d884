//! How far up the ladder: stage 5, or 5.2 on the way to it.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// The number of a stage, or of a sub-step that leads to it. Sub-steps come
/// before their stage: 4, 5.1, 5.2, …, 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number {
    /// The stage.
    pub stage: u32,
    /// The sub-step; `None` is the whole stage.
    pub step: Option<u32>,
}

impl Number {
    /// Above all stages.
    pub const EVER: Self = Self::stage(u32::MAX);

    /// A whole stage.
    #[must_use]
    pub const fn stage(stage: u32) -> Self {
        Self { stage, step: None }
    }

    /// A sub-step.
    #[must_use]
    pub const fn step(stage: u32, step: u32) -> Self {
        Self { stage, step: Some(step) }
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |it: &Self| (it.stage, it.step.unwrap_or(u32::MAX));
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.step {
            None => write!(f, "{}", self.stage),
            Some(step) => write!(f, "{}.{step}", self.stage),
        }
    }
}

impl FromStr for Number {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = |part: &str| part.parse::<u32>().ok();
        let number = match text.split_once('.') {
            None => parse(text).map(Self::stage),
            Some((stage, step)) => parse(stage)
                .zip(parse(step))
                .map(|(stage, step)| Self::step(stage, step)),
        };
        number.ok_or_else(|| {
            format!("`{text}` is no number such as 5 or, for a sub-step, 5.2")
        })
    }
}
