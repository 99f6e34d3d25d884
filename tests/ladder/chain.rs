//! One file through the sub-steps of a stage.

use conversations::variant::patch::Patch;
use conversations::variant::stages::Stage;

/// A file's text, or that there is no such file.
pub type Version = Option<String>;

/// The file in the stage before, in each sub-step, and how the patches have it.
pub struct Chain<'a> {
    file: &'a str,
    patches: Vec<Patch>,
    /// The file that the patches begin with.
    pub start: Version,
    /// The file after each patch.
    pub versions: Vec<Version>,
    /// Whether the last sub-step is the stage, as it must be when the series is
    /// complete.
    pub complete: bool,
}

impl<'a> Chain<'a> {
    /// Composes the file. The patches may be older than an edit of the stages,
    /// or newer, so there are several texts that they may begin with, and
    /// several that they may lead to: the first pair that fits counts.
    ///
    /// # Errors
    /// In words: the patch that does not apply.
    pub fn find(
        stage: &Stage,
        file: &'a str,
        starts: &[Version],
        ends: &[Version],
    ) -> Result<Self, String> {
        let patches = stage.patches()?;
        let (mut open, mut failed) = (None, String::new());
        for start in starts {
            match compose(&patches, file, start) {
                Ok(versions) => {
                    let complete =
                        ends.contains(versions.last().unwrap_or(start));
                    if complete || open.is_none() {
                        open = Some((start.clone(), versions, complete));
                    }
                    if complete {
                        break;
                    }
                }
                Err(why) => failed = why,
            }
        }
        let (start, versions, complete) = open.ok_or(failed)?;
        Ok(Self { file, patches, start, versions, complete })
    }

    /// The patches that lead from a new start through new versions, as far as
    /// they are not what they were.
    ///
    /// # Errors
    /// In words, if a patch can't express it.
    pub fn rewritten(
        mut self,
        start: &Version,
        versions: &[Version],
    ) -> Result<Vec<Patch>, String> {
        let mut before = start;
        let mut changed = Vec::new();
        for (patch, after) in self.patches.iter_mut().zip(versions) {
            let old = patch.text();
            patch.set(self.file, before.as_ref(), after.as_ref())?;
            if patch.text() != old {
                changed.push(patch.clone());
            }
            before = after;
        }
        Ok(changed)
    }
}

fn compose(
    patches: &[Patch],
    file: &str,
    start: &Version,
) -> Result<Vec<Version>, String> {
    let mut versions: Vec<Version> = Vec::new();
    for patch in patches {
        let before = versions.last().unwrap_or(start);
        versions.push(patch.apply_to(file, before.as_deref())?);
    }
    Ok(versions)
}
