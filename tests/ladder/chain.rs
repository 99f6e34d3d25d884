//! The history of one file across the sub-steps of a stage.

use conversations::variant::patch::Patch;
use conversations::variant::stages::Stage;

/// A file's text, or `None` if the tree has no such file.
pub type Version = Option<String>;

/// One file in the previous stage and in each sub-step, with the patches.
pub struct Chain<'a> {
    file: &'a str,
    patches: Vec<Patch>,
    /// The file before the first patch.
    pub start: Version,
    /// The file after each patch.
    pub versions: Vec<Version>,
    /// Whether the last sub-step equals the stage. It does unless the series is
    /// still being written.
    pub complete: bool,
}

impl<'a> Chain<'a> {
    /// Applies the patches to the file. They may be older or newer than an edit
    /// of the stages, so the caller passes several candidates for the start and
    /// the end. The first pair that fits wins.
    ///
    /// # Errors
    /// Names the patch that does not apply.
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

    /// Rewrites the patches for a new start and new versions, and returns those
    /// that changed.
    ///
    /// # Errors
    /// A patch can't express the change (an empty file).
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
