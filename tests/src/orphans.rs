//! Orphaned snapshots: files that no test writes any more.

use crate::{cases, labs, script, snapshot};

/// The groups of `suite/practice.rs` and `suite/judge.rs`, for the book.
const FOR_THE_BOOK: [&str; 2] = ["practice", "judge"];

/// Fails if a snapshot has neither a script, nor a Rust-coded test, nor a
/// lab.
///
/// # Errors
/// The text lists the files to delete.
pub fn check() -> Result<(), String> {
    let places = script::find_all(script::folder());
    let orphans: Vec<String> = snapshot::find_all()
        .iter()
        .filter(|slot| {
            let by_script = places
                .iter()
                .any(|p| p.group == slot.group && p.name == slot.name);
            let by_case = slot.group.starts_with("stage")
                && cases::SNAPSHOTS.contains(&slot.name.as_str());
            let by_lab = labs::exists(&slot.group, &slot.name);
            let for_the_book = FOR_THE_BOOK.contains(&slot.group.as_str());
            !by_script && !by_case && !by_lab && !for_the_book
        })
        .map(snapshot::Slot::shown)
        .collect();
    if orphans.is_empty() {
        return Ok(());
    }
    Err(format!(
        "No test writes these snapshots. Delete them, or rename the script \
         back:\n  {}",
        orphans.join("\n  ")
    ))
}
