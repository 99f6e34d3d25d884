//! Reads a built book, and finds the addresses in its files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The files of a built book.
pub struct Built {
    /// Text files by their paths.
    texts: BTreeMap<String, String>,
    /// All files.
    files: BTreeSet<String>,
}

/// An element's name, and its attributes in order.
type Element<'a> = (&'a str, Vec<(&'a str, &'a str)>);

impl Built {
    /// Reads all files below a folder.
    pub fn read(folder: &Path) -> Self {
        let mut built = Self { texts: BTreeMap::new(), files: BTreeSet::new() };
        built.add(folder, "");
        // Servers send this page for any address, so its links have another
        // base.
        built.texts.remove("404.html");
        built
    }

    fn add(&mut self, folder: &Path, prefix: &str) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().display());
            if entry.path().is_dir() {
                self.add(&entry.path(), &format!("{name}/"));
                continue;
            }
            let path = entry.path();
            if path.extension().is_some_and(|e| e == "html" || e == "css") {
                let text = fs::read_to_string(path).unwrap();
                self.texts.insert(name.clone(), text);
            }
            self.files.insert(name);
        }
    }

    /// Whether the file exists.
    pub fn has(&self, path: &str) -> bool {
        self.files.contains(path)
    }

    /// Resources that a browser would load from another machine, as `file:
    /// address`.
    pub fn external_resources(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (file, text) in &self.texts {
            let mut note = |url: &str| {
                if url.starts_with("//") || url.starts_with("http") {
                    found.push(format!("{file}: {url}"));
                }
            };
            for (name, attributes) in elements(text) {
                for (key, value) in attributes {
                    // The browser does not load `<a>` links on its own.
                    if key == "src" || (key == "href" && name != "a") {
                        note(value);
                    }
                }
            }
            for url in text.split("url(").skip(1) {
                note(
                    url.trim_start_matches(['\'', '"', ' '])
                        .split(['\'', '"', ')'])
                        .next()
                        .unwrap_or_default(),
                );
            }
        }
        found
    }

    /// References to missing files or ids, as `file: address`.
    pub fn dead_links(&self) -> Vec<String> {
        let ids: BTreeMap<&str, BTreeSet<&str>> = self
            .texts
            .iter()
            .map(|(file, text)| (file.as_str(), ids(text)))
            .collect();
        let mut dead = Vec::new();
        for (file, text) in &self.texts {
            for (_, attributes) in elements(text) {
                for (key, url) in attributes {
                    let local = !url.contains(':') && !url.starts_with("//");
                    if (key == "href" || key == "src")
                        && local
                        && !self.leads_somewhere(file, url, &ids)
                    {
                        dead.push(format!("{file}: {url}"));
                    }
                }
            }
        }
        dead
    }

    fn leads_somewhere(
        &self,
        file: &str,
        url: &str,
        ids: &BTreeMap<&str, BTreeSet<&str>>,
    ) -> bool {
        let (path, fragment) = match url.split_once('#') {
            Some((path, fragment)) => (path, Some(fragment)),
            None => (url, None),
        };
        let target = if path.is_empty() {
            file.to_string()
        } else {
            resolve(file, path)
        };
        let known = ids.get(target.as_str());
        let id = fragment.filter(|id| !id.is_empty());
        self.has(&target)
            && id.is_none_or(|id| known.is_some_and(|k| k.contains(id)))
    }
}

/// Resolves a relative path: `../c.html` in `a/b.html` is `c.html`.
fn resolve(file: &str, path: &str) -> String {
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn ids(text: &str) -> BTreeSet<&str> {
    elements(text)
        .flat_map(|(_, attributes)| attributes)
        .filter(|(key, _)| *key == "id")
        .map(|(_, value)| value)
        .collect()
}

/// The start tags of a page, without the contents of scripts.
fn elements(text: &str) -> impl Iterator<Item = Element<'_>> {
    text.split('<').filter_map(|rest| {
        let name = rest.split([' ', '>', '\n']).next()?;
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
            return None;
        }
        let mut attributes = Vec::new();
        let mut rest = rest.get(name.len()..)?;
        while let Some((key, tail)) = rest.split_once("=\"") {
            let key = key.rsplit([' ', '\n']).next().unwrap_or(key);
            if key.contains('>') {
                break;
            }
            let (value, tail) = tail.split_once('"')?;
            attributes.push((key, value));
            rest = tail;
        }
        Some((name, attributes))
    })
}
