//! The preprocessor: expands every page, then checks the links between them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;
use mdbook_preprocessor::book::{Book, BookItem, Chapter};
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};

use crate::directive::SOURCES;
use crate::library::Library;
use crate::links;
use crate::links::Page;
use crate::markdown;
use crate::page;
use crate::problem::Problems;
use crate::workspace::{Workspace, files_below, has_extension};

/// Expands the directives of a book and rejects a book with problems.
#[derive(Debug)]
pub struct Strict;

impl Preprocessor for Strict {
    fn name(&self) -> &'static str {
        "strict"
    }

    fn supports_renderer(&self, renderer: &str) -> Result<bool> {
        Ok(renderer == "html")
    }

    fn run(&self, ctx: &PreprocessorContext, book: Book) -> Result<Book> {
        Ok(process(&Workspace::around(&ctx.root)?, book)?)
    }
}

/// Expands and checks a book that was read from `workspace`.
///
/// # Errors
///
/// All problems of all pages, at once.
pub fn process(
    workspace: &Workspace,
    mut book: Book,
) -> Result<Book, Problems> {
    let mut problems = Problems::default();
    let mut library = Library::new(workspace, &mut problems);
    let mut pages = Vec::new();
    book.for_each_chapter_mut(|chapter| {
        let path = path_of(chapter);
        let page =
            page::expand(&path, &chapter.content, &mut library, &mut problems);
        chapter.content.clone_from(&page.text);
        pages.push(page);
    });
    check_orphans(workspace, &pages, &mut problems);
    check_plots(workspace, &mut problems);
    library.check_unused(&mut problems);
    add_sources(&mut book, &library, &pages, &mut problems);
    links::check(&pages, &ids(&book), &mut problems);
    problems.finish()?;
    Ok(book)
}

/// A chapter's path below `book/src`.
fn path_of(chapter: &Chapter) -> String {
    let path = chapter.path.as_deref();
    path.map(|path| path.display().to_string()).unwrap_or_default()
}

/// Reports pages missing from the summary: mdBook would not render them.
fn check_orphans(
    workspace: &Workspace,
    pages: &[Page],
    problems: &mut Problems,
) {
    for file in files_below(&workspace.book, "src") {
        let Some(path) = file.strip_prefix("src/") else { continue };
        let known =
            path == "SUMMARY.md" || pages.iter().any(|page| page.path == path);
        if has_extension(path, "md") && !known {
            let message = "SUMMARY.md does not name this page";
            problems.add(&format!("book/src/{path}"), 1, message);
        }
    }
}

/// Reports plots without a table: readers must be able to see the figures.
fn check_plots(workspace: &Workspace, problems: &mut Problems) {
    let files = files_below(&workspace.book, "src/bench");
    for file in files.iter().filter(|file| has_extension(file, "svg")) {
        let table = Path::new(file).with_extension("csv");
        if !workspace.book.join(&table).is_file() {
            let table = table.display();
            let message = format!("its table book/{table} is missing");
            problems.add(&format!("book/{file}"), 1, message);
        }
    }
}

/// Adds one page per source file below the chapter that lists them.
fn add_sources(
    book: &mut Book,
    library: &Library,
    pages: &[Page],
    problems: &mut Problems,
) {
    let sources = library.source_pages();
    let lists = pages.iter().filter(|page| page.text.contains(SOURCES)).count();
    if lists != 1 && !(lists == 0 && sources.is_empty()) {
        let message =
            format!("{lists} pages have {{{{#sources}}}}; exactly one must");
        problems.add("book/src/SUMMARY.md", 1, message);
    }
    book.for_each_chapter_mut(|chapter| {
        if !chapter.content.contains(SOURCES) {
            return;
        }
        let list = library.source_list(&path_of(chapter));
        chapter.content = chapter.content.replace(SOURCES, &list);
        let mut parents = chapter.parent_names.clone();
        parents.push(chapter.name.clone());
        for (count, (path, (title, text))) in (1..).zip(&sources) {
            let mut source =
                Chapter::new(title, text.clone(), path, parents.clone());
            source.source_path = None;
            // mdBook nests the table of contents by these numbers.
            source.number = chapter
                .number
                .as_ref()
                .map(|number| number.iter().copied().chain([count]).collect());
            chapter.sub_items.push(BookItem::Chapter(source));
        }
    });
}

/// The ids that a fragment can name, for each page.
fn ids(book: &Book) -> BTreeMap<String, BTreeSet<String>> {
    book.chapters()
        .map(|chapter| (path_of(chapter), markdown::scan(&chapter.content).ids))
        .collect()
}
