//! Checks that modules don't import each other in a circle, directly or
//! indirectly.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

type Graph = BTreeMap<String, BTreeSet<String>>;

/// The modules that each module imports by `crate::name`. Files in a folder
/// belong to the module of that name.
fn imports(source: &Path) -> Graph {
    let mut graph = Graph::new();
    for file in files(source) {
        let below = file.strip_prefix(source).unwrap();
        let first = below.components().next().unwrap();
        let module = Path::new(&first).file_stem().unwrap();
        let module = module.to_string_lossy().into_owned();
        if ["main", "lib", "tests"].contains(&module.as_str()) {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let used = graph.entry(module.clone()).or_default();
        for line in text.lines().filter(|l| !l.trim().starts_with("//")) {
            for part in line.split("crate::").skip(1) {
                let braces = part.strip_prefix('{').unwrap_or(part);
                let names = braces.split(", ");
                let all = if braces == part { 1 } else { usize::MAX };
                used.extend(names.take(all).map(name));
            }
        }
        used.remove(&module);
    }
    let known: BTreeSet<String> = graph.keys().cloned().collect();
    for used in graph.values_mut() {
        used.retain(|name| known.contains(name));
    }
    graph
}

/// The identifier at the start of `text`.
fn name(text: &str) -> String {
    let part = |c: &char| c.is_alphanumeric() || *c == '_';
    text.chars().take_while(part).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files
}

/// Removes modules that import none of the remaining ones, until only circles
/// and the modules that lead to them are left.
fn circle(mut graph: Graph) -> Vec<String> {
    loop {
        let left: BTreeSet<String> = graph.keys().cloned().collect();
        let before = left.len();
        graph.retain(|_, used| used.iter().any(|name| left.contains(name)));
        if graph.len() == before {
            return graph.into_keys().collect();
        }
    }
}

#[test]
fn a_circle_is_found() {
    let used =
        |names: &[&str]| names.iter().copied().map(String::from).collect();
    let mut graph = Graph::new();
    graph.insert("a".into(), used(&["b", "d"]));
    graph.insert("b".into(), used(&["c"]));
    graph.insert("c".into(), used(&["a"]));
    graph.insert("d".into(), used(&[]));
    assert_eq!(circle(graph), ["a", "b", "c"]);
}

#[test]
fn no_module_is_in_a_circle() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let stages = fs::read_dir(root).unwrap().filter_map(|entry| {
        let path = entry.ok()?.path();
        let name = path.file_name()?.to_str()?.to_owned();
        name.starts_with("stage").then(|| path.join("src"))
    });
    let mut sources: Vec<PathBuf> = stages.collect();
    assert_eq!(sources.len(), 6);
    sources.push(root.join("book/tool"));
    for source in sources {
        let graph = imports(&source);
        assert!(graph.len() > 5, "{}: {graph:?}", source.display());
        assert_eq!(circle(graph), [""; 0], "{}", source.display());
    }
}
