//! Where a link leads, and whether that exists.

use std::collections::{BTreeMap, BTreeSet};

use crate::library::Library;
use crate::markdown::Link;
use crate::problem::Problems;

/// A page after its directives.
#[derive(Debug)]
pub struct Page {
    /// The path below `book/src`.
    pub path: String,
    /// Markdown for mdBook.
    pub text: String,
    /// Links to pages, for a look when all pages are known.
    pub links: Vec<PageLink>,
}

/// A link to a page of the book.
#[derive(Debug)]
pub struct PageLink {
    /// Where it stands.
    pub line: usize,
    /// The page, by its path below `book/src`.
    pub page: String,
    /// The part after `#`.
    pub fragment: Option<String>,
}

/// What a link leads to.
#[derive(Debug, PartialEq, Eq)]
pub enum Destination {
    /// Another site, which nobody visits to check, or a picture of ours.
    Elsewhere,
    /// A page of the book.
    Page {
        /// Its path below `book/src`.
        page: String,
        /// The part after `#`.
        fragment: Option<String>,
    },
    /// A file of the workspace, shown by the page with this address.
    Source(String),
}

/// Resolves a link that stands on `page`.
///
/// # Errors
///
/// In words, when it leads nowhere.
pub fn destination(
    page: &str,
    link: &Link,
    library: &mut Library,
) -> Result<Destination, String> {
    let target = link.target.as_str();
    if let Some((scheme, rest)) = target.split_once(':')
        && !scheme.contains(['/', '.', '#'])
    {
        return external(target, scheme, rest, link.loaded);
    }
    let (path, fragment) = match target.split_once('#') {
        Some((path, fragment)) => (path, Some(fragment.to_string())),
        None => (target, None),
    };
    if path.is_empty() {
        let page = page.to_string();
        return match fragment {
            Some(_) if !link.loaded => Ok(Destination::Page { page, fragment }),
            _ => Err("this link leads nowhere".to_string()),
        };
    }
    let place = resolve(page, path)
        .ok_or(format!("{target} leads out of the workspace"))?;
    match place.strip_prefix("book/src/") {
        Some(below) if link.loaded => {
            let file = library.workspace.src().join(below);
            let message = format!("there is no picture book/src/{below}");
            file.is_file().then_some(Destination::Elsewhere).ok_or(message)
        }
        Some(below) => {
            Ok(Destination::Page { page: below.to_string(), fragment })
        }
        None if link.loaded => Err(format!("{target} is not in book/src")),
        None => source(page, &place, fragment.as_deref(), library),
    }
}

/// Nothing is loaded from elsewhere: the book works offline. Loopback may be
/// named, for that is where the reader's own server runs.
fn external(
    target: &str,
    scheme: &str,
    rest: &str,
    loaded: bool,
) -> Result<Destination, String> {
    let own = ["//127.0.0.1", "//localhost", "//[::1]"];
    let own = scheme == "http" && own.iter().any(|o| rest.starts_with(o));
    if loaded {
        Err(format!("{target} would be loaded from elsewhere"))
    } else if scheme == "https" || own {
        Ok(Destination::Elsewhere)
    } else {
        Err(format!("{target} is neither https:// nor a page"))
    }
}

/// The path from the workspace's root, for a `path` written on `page`.
fn resolve(page: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = vec!["book", "src"];
    parts.extend(page.split('/'));
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// A file outside the book is shown by a page in it. A fragment names an
/// item, never a line: lines move.
fn source(
    page: &str,
    file: &str,
    item: Option<&str>,
    library: &mut Library,
) -> Result<Destination, String> {
    library.read(file)?;
    let href = match item {
        Some(item) => library.item_link(page, file, item)?,
        None => library.source_link(page, file, None),
    };
    Ok(Destination::Source(href))
}

/// Checks the links between pages. `ids` holds, for each page by its path,
/// what a fragment can name there.
pub fn check(
    pages: &[Page],
    ids: &BTreeMap<String, BTreeSet<String>>,
    problems: &mut Problems,
) {
    for page in pages {
        let file = format!("book/src/{}", page.path);
        for link in &page.links {
            let message = match (ids.get(&link.page), &link.fragment) {
                (None, _) => format!("there is no page {}", link.page),
                (Some(ids), Some(id)) if !ids.contains(id) => {
                    format!("{} has no heading or id #{id}", link.page)
                }
                _ => continue,
            };
            problems.add(&file, link.line, message);
        }
    }
}
