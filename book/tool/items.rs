//! Finds an item in a Rust file by its name, with its comments.

use syn::spanned::Spanned;
use syn::{Ident, ImplItem, Item, ItemImpl, ItemTrait, Path, TraitItem, Type};

use crate::anchor::marker;

/// An item's full name within its file, and its lines.
struct Named {
    name: String,
    first: usize,
    last: usize,
}

/// The first and last line of the item called `name`: `listen`, `Config`,
/// `Connection::serve`, `tests::helper`, `impl Drop for Connection`.
///
/// # Errors
///
/// The file is not valid Rust, or has no such item, or several.
pub fn find(text: &str, name: &str) -> Result<(usize, usize), String> {
    let file = syn::parse_file(text)
        .map_err(|e| format!("line {}: {e}", e.span().start().line))?;
    let mut all = Vec::new();
    for item in &file.items {
        collect(item, "", &mut all);
    }
    all.retain(|item| item.name == name);
    match all.as_slice() {
        [item] => Ok((with_comments(text, item.first), item.last)),
        [] => Err(format!("there is no item {name}")),
        _ => Err(format!("there is more than one item {name}")),
    }
}

/// Records an item's name and lines. Its span includes its doc comment.
fn note(name: String, item: &dyn Spanned, all: &mut Vec<Named>) {
    let span = item.span();
    let (first, last) = (span.start().line, span.end().line);
    all.push(Named { name, first, last });
}

/// Records an item and its contents. `prefix` is the path of its module.
fn collect(item: &Item, prefix: &str, all: &mut Vec<Named>) {
    if let Some(ident) = plain_name(item) {
        note(format!("{prefix}{ident}"), item, all);
    }
    match item {
        Item::Impl(block) => collect_impl(block, prefix, all),
        Item::Trait(item) => collect_trait(item, prefix, all),
        Item::Mod(module) => {
            let prefix = format!("{prefix}{}::", module.ident);
            for inner in module.content.iter().flat_map(|(_, items)| items) {
                collect(inner, &prefix, all);
            }
        }
        _ => {}
    }
}

/// The name of an item that has one.
fn plain_name(item: &Item) -> Option<&Ident> {
    match item {
        Item::Const(item) => Some(&item.ident),
        Item::Enum(item) => Some(&item.ident),
        Item::Fn(item) => Some(&item.sig.ident),
        Item::Macro(item) => item.ident.as_ref(),
        Item::Mod(item) => Some(&item.ident),
        Item::Static(item) => Some(&item.ident),
        Item::Struct(item) => Some(&item.ident),
        Item::Trait(item) => Some(&item.ident),
        Item::Type(item) => Some(&item.ident),
        Item::Union(item) => Some(&item.ident),
        _ => None,
    }
}

/// Records methods as `Connection::serve`, and the whole block as `impl Drop
/// for Connection`.
fn collect_impl(block: &ItemImpl, prefix: &str, all: &mut Vec<Named>) {
    let Type::Path(of) = block.self_ty.as_ref() else { return };
    let name = last_segment(&of.path);
    let title = match &block.trait_ {
        Some((path, _)) => format!("impl {} for {name}", last_segment(path)),
        None => format!("impl {name}"),
    };
    note(format!("{prefix}{title}"), block, all);
    for inner in &block.items {
        let ident = match inner {
            ImplItem::Fn(inner) => &inner.sig.ident,
            ImplItem::Const(inner) => &inner.ident,
            _ => continue,
        };
        note(format!("{prefix}{name}::{ident}"), inner, all);
    }
}

/// Records `Reader::read`, with or without a body.
fn collect_trait(item: &ItemTrait, prefix: &str, all: &mut Vec<Named>) {
    for inner in &item.items {
        if let TraitItem::Fn(inner) = inner {
            let name = format!("{prefix}{}::{}", item.ident, inner.sig.ident);
            note(name, inner, all);
        }
    }
}

/// The `Display` in `fmt::Display`.
fn last_segment(path: &Path) -> String {
    path.segments.last().map(|part| part.ident.to_string()).unwrap_or_default()
}

/// The first of the plain comment lines directly above an item.
fn with_comments(text: &str, first: usize) -> usize {
    let lines: Vec<&str> = text.lines().take(first.saturating_sub(1)).collect();
    let above = lines
        .iter()
        .rev()
        .map(|line| line.trim_start())
        .take_while(|line| line.starts_with("//") && !line.starts_with("//!"))
        .take_while(|line| marker(line).is_none())
        .count();
    first - above
}
