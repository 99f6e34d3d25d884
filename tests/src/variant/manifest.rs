//! Makes a `Cargo.toml` that needs no workspace: it spells out the settings
//! that a stage inherits, and makes paths absolute.

use std::fmt::Write as _;
use std::path::Path;

use toml::{Table, Value};

use super::Variant;
use super::files::read;

const DEPENDENCIES: [&str; 3] =
    ["dependencies", "dev-dependencies", "build-dependencies"];

/// The order of the sections. Any others come last.
const ORDER: [&str; 8] = [
    "package",
    "lib",
    "dependencies",
    "dev-dependencies",
    "test",
    "lints",
    "profile",
    "workspace",
];

/// Spells out the settings that a stage's manifest inherits from the workspace.
///
/// The variant's name becomes part of the version. Cargo needs that: it
/// distinguishes packages in one target folder by name and version, and would
/// otherwise mistake the program of 5.1 for that of 5.2.
///
/// # Errors
/// One of the two manifests is invalid.
pub fn resolve(variant: &Variant, manifest: &str) -> Result<String, String> {
    let folder = &variant.base.stage.folder;
    let path = variant.root.join("Cargo.toml");
    let top = parse(&read(&path)?, &path)?;
    let workspace = table(&top, "workspace");
    let mut own = parse(manifest, &folder.join("Cargo.toml"))?;
    inherit_package(&mut own, &workspace, &variant.name).map_err(|why| {
        format!("{}/Cargo.toml: {why}", variant.base.stage.name)
    })?;
    for section in DEPENDENCIES {
        let Some(Value::Table(dependencies)) = own.get_mut(section) else {
            continue;
        };
        let shared = table(&workspace, "dependencies");
        for (name, dependency) in dependencies.iter_mut() {
            *dependency = inherit(name, dependency, &shared, &variant.root)?;
            make_absolute(dependency, folder);
        }
    }
    if inherits(own.get("lints")) {
        own.insert("lints".into(), table(&workspace, "lints").into());
    }
    if let Some(profile) = top.get("profile") {
        own.insert("profile".into(), profile.clone());
    }
    let mut root = Table::new();
    if let Some(resolver) = workspace.get("resolver") {
        root.insert("resolver".into(), resolver.clone());
    }
    own.insert("workspace".into(), root.into());
    Ok(text(&own))
}

/// The manifest without the entry for one test, `tests/NAME.rs`.
#[must_use]
pub fn without_test(manifest: &str, file: &str) -> String {
    let name = Path::new(file).file_stem().unwrap_or_default();
    let Ok(mut own) = manifest.parse::<Table>() else {
        return manifest.to_owned();
    };
    if let Some(Value::Array(tests)) = own.get_mut("test") {
        tests.retain(|test| {
            test.get("name").and_then(Value::as_str) != name.to_str()
        });
    }
    text(&own)
}

/// Whether a manifest stands alone, as one from [`resolve`] does.
#[must_use]
pub fn is_resolved(manifest: &str) -> bool {
    manifest.lines().any(|line| line.trim() == "[workspace]")
}

fn parse(text: &str, path: &Path) -> Result<Table, String> {
    text.parse().map_err(|error| format!("{}: {error}", path.display()))
}

/// A table inside another one, or an empty table if it is missing.
fn table(of: &Table, name: &str) -> Table {
    of.get(name).and_then(Value::as_table).cloned().unwrap_or_default()
}

/// Whether a value contains `workspace = true`.
fn inherits(value: Option<&Value>) -> bool {
    let inherited = value.and_then(|value| value.get("workspace"));
    inherited.and_then(Value::as_bool) == Some(true)
}

fn inherit_package(
    own: &mut Table,
    workspace: &Table,
    variant: &str,
) -> Result<(), String> {
    let shared = table(workspace, "package");
    let Some(Value::Table(package)) = own.get_mut("package") else {
        return Err("there is no [package]".to_owned());
    };
    for (key, value) in package.iter_mut() {
        if inherits(Some(value)) {
            *value = shared.get(key).cloned().ok_or_else(|| {
                format!("the workspace has no `{key}` to inherit")
            })?;
        }
    }
    if let Some(Value::String(version)) = package.get_mut("version") {
        let _ = write!(version, "+{variant}");
    }
    Ok(())
}

/// The workspace's entry for a dependency, plus the features the stage adds.
fn inherit(
    name: &str,
    dependency: &Value,
    shared: &Table,
    root: &Path,
) -> Result<Value, String> {
    if !inherits(Some(dependency)) {
        return Ok(dependency.clone());
    }
    let mut full = match shared.get(name) {
        Some(Value::Table(table)) => table.clone(),
        Some(version) => {
            Table::from_iter([("version".to_owned(), version.clone())])
        }
        None => {
            return Err(format!(
                "the workspace has no dependency `{name}` to inherit"
            ));
        }
    };
    let mut features = Vec::new();
    for from in [full.get("features"), dependency.get("features")] {
        features.extend(
            from.and_then(Value::as_array).cloned().unwrap_or_default(),
        );
    }
    for (key, value) in dependency.as_table().into_iter().flatten() {
        if key != "workspace" {
            full.insert(key.clone(), value.clone());
        }
    }
    if !features.is_empty() {
        full.insert("features".into(), features.into());
    }
    let mut full = match (full.len(), full.get("version")) {
        (1, Some(version)) => version.clone(),
        _ => full.into(),
    };
    make_absolute(&mut full, root);
    Ok(full)
}

fn make_absolute(dependency: &mut Value, folder: &Path) {
    if let Some(Value::String(path)) = dependency.get_mut("path") {
        let full = folder.join(&*path);
        let full = full.canonicalize().unwrap_or(full);
        *path = full.to_string_lossy().into_owned();
    }
}

/// Prints each section with its keys, one per line.
fn text(manifest: &Table) -> String {
    let known = |name: &str| ORDER.iter().position(|known| *known == name);
    let mut names: Vec<_> = manifest.keys().collect();
    names.sort_by_key(|name| known(name).unwrap_or(ORDER.len()));
    let mut text = String::new();
    for name in names {
        match manifest.get(name) {
            // These two contain tables.
            Some(Value::Table(tables))
                if name == "lints" || name == "profile" =>
            {
                for (key, table) in tables {
                    if let Some(table) = table.as_table() {
                        section(&mut text, &format!("{name}.{key}"), table);
                    }
                }
            }
            Some(Value::Table(table)) => section(&mut text, name, table),
            Some(Value::Array(tables)) => {
                for table in tables.iter().filter_map(Value::as_table) {
                    section(&mut text, &format!("[{name}]"), table);
                }
            }
            _ => {}
        }
    }
    text
}

fn section(text: &mut String, name: &str, table: &Table) {
    if !text.is_empty() {
        text.push('\n');
    }
    let _ = writeln!(text, "[{name}]");
    let mut keys: Vec<_> = table.iter().collect();
    keys.sort_by_key(|(key, _)| usize::from(*key != "name"));
    for (key, value) in keys {
        let _ = writeln!(text, "{key} = {value}");
    }
}
