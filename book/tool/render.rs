//! Renders the book with mdBook's library.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use mdbook_driver::MDBook;
use mdbook_driver::config::Config;

use crate::adapt;
use crate::markdown;
use crate::problem::Problems;
use crate::strict::Strict;
use crate::warnings::Warnings;
use crate::workspace::Workspace;

/// Builds the book into `into`, or into the folder in `book.toml`, and returns
/// the folder. It replaces the old book only after every check has passed.
///
/// # Errors
///
/// All problems of the pages at once, or an error or warning from mdBook.
pub fn build(workspace: &Workspace, into: Option<&Path>) -> Result<PathBuf> {
    eprintln!("reading {}", workspace.src().display());
    check_summary(workspace)?;
    let mut config = Config::from_disk(workspace.book.join("book.toml"))?;
    if let Some(into) = into {
        config.build.build_dir = std::path::absolute(into)?;
    }
    let warnings = Warnings::default();
    let built = warnings.during(|| {
        let mut book = MDBook::load_with_config(&workspace.book, config)?;
        // This replaces the command of the same name in book.toml.
        book.with_preprocessor(Strict);
        eprintln!(
            "checking and rendering {} pages",
            book.book.chapters().count()
        );
        book.build()?;
        anyhow::Ok(book.build_dir_for("html"))
    })?;
    adapt::pages(&built)?;
    match warnings.count() {
        0 => Ok(built),
        1 => bail!("mdBook gave a warning"),
        count => bail!("mdBook gave {count} warnings"),
    }
}

/// Checks that the chapters exist. mdBook would stop at the first missing one,
/// without the line of the summary that names it.
fn check_summary(workspace: &Workspace) -> Result<()> {
    let src = workspace.src();
    let summary = src.join("SUMMARY.md");
    let text = fs::read_to_string(&summary)
        .with_context(|| format!("cannot read {}", summary.display()))?;
    let mut problems = Problems::default();
    for link in markdown::scan(&text).links {
        if !link.target.is_empty() && !src.join(&link.target).is_file() {
            problems.add(
                "book/src/SUMMARY.md",
                link.line,
                format!("there is no book/src/{}", link.target),
            );
        }
    }
    Ok(problems.finish()?)
}
