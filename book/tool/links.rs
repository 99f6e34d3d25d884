//! Resolves links and checks that their targets exist.

use std::collections::{BTreeMap, BTreeSet};

use crate::library::Library;
use crate::markdown::Link;
use crate::problem::Problems;

/// A page whose directives have been expanded.
#[derive(Debug)]
pub struct Page {
    /// The path below `book/src`.
    pub path: String,
    /// Markdown for mdBook.
    pub text: String,
    /// Links to other pages, checked once all pages are known.
    pub links: Vec<PageLink>,
}

/// A link to a page of the book.
#[derive(Debug)]
pub struct PageLink {
    /// The line of the link.
    pub line: usize,
    /// The page, by its path below `book/src`.
    pub page: String,
    /// The part after `#`.
    pub fragment: Option<String>,
}

/// The target of a link.
#[derive(Debug, PartialEq, Eq)]
pub enum Destination {
    /// Another site, which we don't check, or one of our pictures.
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

/// Resolves a link on `page`.
///
/// # Errors
///
/// The target does not exist, or would be loaded from another site.
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
            _ => Err("this link has no target".to_string()),
        };
    }
    let place = resolve(page, path)
        .ok_or(format!("{target} leads out of the workspace"))?;
    match place.strip_prefix("book/src/") {
        Some(below) if link.loaded => {
            let file = library.workspace.src().join(below);
            let message = format!("there is no file book/src/{below}");
            file.is_file().then_some(Destination::Elsewhere).ok_or(message)
        }
        Some(below) => {
            Ok(Destination::Page { page: below.to_string(), fragment })
        }
        None if link.loaded => Err(format!("{target} is not in book/src")),
        None => source(page, &place, fragment.as_deref(), library),
    }
}

/// Resolves a link with a scheme. The book works offline, so it may not load
/// anything from other sites. Links to loopback addresses are allowed, because
/// the reader's own server runs there.
fn external(
    target: &str,
    scheme: &str,
    rest: &str,
    loaded: bool,
) -> Result<Destination, String> {
    let own = ["//127.0.0.1", "//localhost", "//[::1]"];
    let own = scheme == "http" && own.iter().any(|o| rest.starts_with(o));
    if loaded {
        Err(format!("{target} would be loaded from another site"))
    } else if scheme == "https" || own {
        Ok(Destination::Elsewhere)
    } else {
        Err(format!("{target} is neither an https:// link nor a page"))
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

/// Links to the book's page for a file of the workspace. A fragment names an
/// item rather than a line, because line numbers change.
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

/// Checks the links between pages. `ids` maps the path of each page to the ids
/// that a fragment can name.
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
