//! Expands lines of the form `{{#name arguments}}`.

use std::str::FromStr;

use crate::diff;
use crate::excerpt::{Part, excerpt};
use crate::html::{COLUMNS, check_width, escape, listing};
use crate::levels;
use crate::library::Library;
use crate::option_box::option_box;
use crate::results;
use crate::snapshot::without_header;

/// Placeholder for the list of source pages, filled in once all are known.
pub const SOURCES: &str = "<!-- the sources -->";

/// A parsed directive.
#[derive(Debug, PartialEq, Eq)]
pub enum Directive {
    /// `{{#source FILE}}`, `{{#source FILE#item}}`, `{{#source FILE:ANCHOR}}`
    Source(String, Part),
    /// `{{#snapshot GROUP/NAME}}`: output that a test has checked.
    Snapshot(String),
    /// `{{#help STAGE}}`: the output of a stage's `--help`.
    Help(String),
    /// `{{#script GROUP/NAME}}`: the script of a conversation test.
    Script(String),
    /// `{{#stage-diff N}}`, `{{#stage-diff N FILE}}`,
    /// `{{#stage-diff N FILE#item}}`
    StageDiff(diff::Request),
    /// `{{#step N.M}}`: the opening of a sub-step's page.
    Step(String),
    /// `{{#lacks N.M}}`: what is still missing after a sub-step.
    Lacks(String),
    /// `{{#steps N}}`: the sub-steps of a stage.
    Steps(String),
    /// `{{#bugs N}}`: the bugs to find in a stage.
    Bugs(String),
    /// `{{#exercises N}}`: its exercises with checks.
    Exercises(String),
    /// `{{#patch NAME}}`: what a bug or a solution changes.
    Patch(String),
    /// `{{#task NAME FIELD}}`: a field of a bug's or an exercise's header.
    Task(String, String),
    /// `{{#options STAGE}}`: the table of socket options.
    Options(String),
    /// `{{#choices}}`: each option's value in every stage, and its labs.
    Choices,
    /// `{{#moments}}`: where and when to set each option.
    Moments,
    /// `{{#option NAME}}`: the facts about one option.
    Option(String),
    /// `{{#bench NAME}}`: a table of one scenario's results.
    Bench(String),
    /// `{{#plot NAME}}`: a plot of one scenario's results.
    Plot(String),
    /// `{{#levels}}`: the levels of `cargo judge`.
    Levels,
    /// `{{#sources}}`: the list of all source pages.
    Sources,
}

impl FromStr for Directive {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let inner = line
            .strip_prefix("{{#")
            .and_then(|rest| rest.strip_suffix("}}"))
            .filter(|inner| !inner.contains("{{#"))
            .ok_or("a directive needs a line of its own: {{#name ...}}")?;
        let (name, rest) = match inner.split_once(char::is_whitespace) {
            Some((name, rest)) => (name, rest.trim()),
            None => (inner.trim(), ""),
        };
        let needs = |what: &str| match rest {
            "" => Err(format!("{{{{#{name}}}}} needs {what}")),
            rest => Ok(rest.to_string()),
        };
        match name {
            "source" => {
                let (file, part) = Part::split(&needs("a file")?)?;
                Ok(Self::Source(file, part))
            }
            "snapshot" => Ok(Self::Snapshot(needs("GROUP/NAME")?)),
            "help" => Ok(Self::Help(needs("a stage")?)),
            "script" => Ok(Self::Script(needs("GROUP/NAME")?)),
            "stage-diff" => {
                Ok(Self::StageDiff(needs("a stage's number")?.parse()?))
            }
            "step" => Ok(Self::Step(needs("a sub-step")?)),
            "lacks" => Ok(Self::Lacks(needs("a sub-step")?)),
            "steps" => Ok(Self::Steps(needs("a stage's number")?)),
            "bugs" => Ok(Self::Bugs(needs("a stage's number")?)),
            "exercises" => Ok(Self::Exercises(needs("a stage's number")?)),
            "patch" => Ok(Self::Patch(needs("a bug or an exercise")?)),
            "task" => match needs("a name and a field")?.split_once(' ') {
                Some((name, field)) => {
                    Ok(Self::Task(name.to_owned(), field.to_owned()))
                }
                None => Err("{{#task}} needs a name and a field".to_owned()),
            },
            "options" => Ok(Self::Options(needs("a stage")?)),
            "option" => Ok(Self::Option(needs("an option's name")?)),
            "bench" => Ok(Self::Bench(needs("a scenario")?)),
            "plot" => Ok(Self::Plot(needs("a scenario")?)),
            "sources" if rest.is_empty() => Ok(Self::Sources),
            "choices" if rest.is_empty() => Ok(Self::Choices),
            "moments" if rest.is_empty() => Ok(Self::Moments),
            "levels" if rest.is_empty() => Ok(Self::Levels),
            "sources" | "choices" | "moments" | "levels" => {
                Err(format!("{{{{#{name}}}}} takes no arguments"))
            }
            _ => Err(format!("there is no directive {{{{#{name}}}}}")),
        }
    }
}

/// The text that replaces the directive.
///
/// # Errors
///
/// Something that the directive names does not exist.
pub fn expand(
    directive: &Directive,
    page: &str,
    library: &mut Library,
) -> Result<String, String> {
    match directive {
        Directive::Source(file, part) => source(file, part, page, library),
        Directive::Snapshot(name) => snapshot(name, library),
        Directive::Help(stage) => snapshot(&format!("{stage}/help"), library),
        Directive::Script(name) => script(name, library),
        Directive::StageDiff(request) => diff::show(request, page, library),
        Directive::Step(name) => library.steps.head(name, page),
        Directive::Lacks(name) => library.steps.lacks(name),
        Directive::Steps(stage) => library.steps.table(stage, page),
        Directive::Bugs(stage) => library.practice.bugs(stage),
        Directive::Exercises(stage) => library.practice.exercises(stage),
        Directive::Patch(name) => library.practice.diff(name),
        Directive::Task(name, field) => library.practice.field(name, field),
        Directive::Options(stage) => {
            library.options.table(stage, page, &library.stages)
        }
        Directive::Choices => {
            Ok(library.options.choices(page, &library.stages))
        }
        Directive::Moments => Ok(library.options.moments(page)),
        Directive::Option(name) => option_box(name, page, library),
        Directive::Bench(name) => results::table(name, page, library),
        Directive::Plot(name) => results::plot(name, library),
        Directive::Levels => levels::table(library),
        Directive::Sources => Ok(SOURCES.to_string()),
    }
}

fn source(
    file: &str,
    part: &Part,
    page: &str,
    library: &mut Library,
) -> Result<String, String> {
    let text = library.read(file)?;
    let found = excerpt(&text, part).map_err(|e| format!("{file}: {e}"))?;
    check_width(&found.text)?;
    if let Part::Anchor(name) = part {
        library.use_anchor(file, name);
    }
    let line = (*part != Part::Whole).then_some(found.first);
    if let Some((step, name)) =
        file.split_once('/').filter(|_| !library.has_page(file))
    {
        let caption = format!("{}, in {step}", escape(name));
        return Ok(listing(&caption, language(file), &found.text));
    }
    let href = library.source_link(page, file, line);
    let caption = format!(
        "<a href=\"{href}\">{}</a>, lines {}–{}",
        escape(file),
        found.first,
        found.last
    );
    Ok(listing(&caption, language(file), &found.text))
}

/// The name of a file's language in highlight.js.
fn language(file: &str) -> &'static str {
    match file.rsplit_once('.').map(|(_, extension)| extension) {
        Some("rs") => "rust",
        Some("toml") => "toml",
        Some("sh") => "bash",
        Some("c" | "h") => "c",
        Some("py") => "python",
        _ => "text",
    }
}

/// A snapshot. A test fails if the file is out of date, so the page stays true.
fn snapshot(name: &str, library: &Library) -> Result<String, String> {
    let file = format!("tests/snapshots/{name}.snap");
    let text = library.read(&file)?;
    let body = without_header(&text)
        .ok_or(format!("{file} has no header between `---` lines"))?;
    let body = fold(body);
    let (group, last) = name.rsplit_once('/').unwrap_or(("", name));
    let stages = &library.stages;
    if ["practice", "judge"].contains(&group) {
        let caption = format!(
            "Checked by <code>cargo test -p conversations --test {group}</code>"
        );
        return Ok(listing(&caption, "text", &body));
    }
    let (stage, filter) = match stages.iter().find(|stage| *stage == group) {
        Some(stage) => match last.strip_prefix("lab-") {
            Some(lab) => (stage.clone(), format!("labs::{lab}")),
            None => (stage.clone(), last.to_string()),
        },
        None => (first_stage(name, library)?, name.replace('/', "::")),
    };
    let caption = format!(
        "Checked by <code>cargo test -p {} {}</code>{}",
        escape(&stage),
        escape(&filter),
        if body.contains(FOLD) { "; long lines are wrapped" } else { "" }
    );
    Ok(listing(&caption, "text", &body))
}

/// The first stage that must pass a conversation. The script may say `from: 3`,
/// or `from: 5.2` for a sub-step; otherwise it is stage 1.
fn first_stage(name: &str, library: &Library) -> Result<String, String> {
    let file = format!("tests/conversations/{name}.http");
    let script = library.read(&file).unwrap_or_default();
    match script.lines().find_map(|line| line.strip_prefix("from:")) {
        Some(number) => {
            let number = number.split('.').next().unwrap_or_default();
            let number = number.trim().parse();
            let number = number.map_err(|_| {
                format!("{file}: `from:` needs a stage's number")
            })?;
            library.workspace.stage(number)
        }
        None => library.stages.first().cloned().ok_or("no stage yet".into()),
    }
}

/// Marks a line that continues on the next one.
const FOLD: &str = " ↩";

/// Wraps output that is too wide for the page, at a space if possible.
fn fold(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut rest = line.to_string();
        while rest.chars().count() > COLUMNS {
            let room = COLUMNS - FOLD.chars().count();
            let end = rest.char_indices().nth(room).map_or(0, |(at, _)| at);
            let (head, _) = rest.split_at(end);
            // A space near the start would leave a long rest.
            let space = head.rfind(' ').filter(|at| *at > room / 2);
            let (head, tail) = rest.split_at(space.unwrap_or(end));
            lines.push(format!("{head}{FOLD}"));
            rest = format!("    {}", tail.trim_start());
        }
        lines.push(rest);
    }
    lines.join("\n")
}

fn script(name: &str, library: &Library) -> Result<String, String> {
    let file = format!("tests/conversations/{name}.http");
    let text = library.read(&file)?;
    check_width(&text).map_err(|e| format!("{file}: {e}"))?;
    Ok(listing(&escape(&file), "text", &text))
}
