//! The lines `{{#name arguments}}` and what each of them turns into.

use std::str::FromStr;

use crate::diff;
use crate::excerpt::{Part, excerpt};
use crate::html::{COLUMNS, check_width, escape, listing};
use crate::library::Library;
use crate::option_box::option_box;
use crate::results;
use crate::snapshot::without_header;

/// Where the list of source pages goes when all of them are known.
pub const SOURCES: &str = "<!-- the sources -->";

/// A directive, understood.
#[derive(Debug, PartialEq, Eq)]
pub enum Directive {
    /// `{{#source FILE}}`, `{{#source FILE#item}}`, `{{#source FILE:ANCHOR}}`
    Source(String, Part),
    /// `{{#snapshot GROUP/NAME}}`: what a test saw.
    Snapshot(String),
    /// `{{#help STAGE}}`: the stage's `--help`, as a test saw it.
    Help(String),
    /// `{{#script GROUP/NAME}}`: a conversation that the tests hold.
    Script(String),
    /// `{{#stage-diff N}}`, `{{#stage-diff N FILE}}`,
    /// `{{#stage-diff N FILE#item}}`
    StageDiff(diff::Request),
    /// `{{#step N.M}}`: the head of a sub-step's page.
    Step(String),
    /// `{{#lacks N.M}}`: what a sub-step still lacks.
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
    /// `{{#choices}}`: what every stage has, and the labs.
    Choices,
    /// `{{#moments}}`: where each option belongs, and when.
    Moments,
    /// `{{#option NAME}}`: the facts on one option.
    Option(String),
    /// `{{#bench NAME}}`: the table of a scenario's results.
    Bench(String),
    /// `{{#plot NAME}}`: the drawing of them.
    Plot(String),
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
            .ok_or("a directive stands alone on its line: {{#name ...}}")?;
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
            "sources" | "choices" | "moments" => {
                Err(format!("{{{{#{name}}}}} takes nothing"))
            }
            _ => Err(format!("there is no directive {{{{#{name}}}}}")),
        }
    }
}

/// What stands in the page in the directive's place.
///
/// # Errors
///
/// In words, when anything it names is missing.
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

/// The name that highlight.js has for a file's language.
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

/// A test rewrites the file or fails on it, so the page cannot lie for long.
fn snapshot(name: &str, library: &Library) -> Result<String, String> {
    let file = format!("tests/snapshots/{name}.snap");
    let text = library.read(&file)?;
    let body = without_header(&text)
        .ok_or(format!("{file} has no header between `---` lines"))?;
    let body = fold(body);
    let (group, last) = name.rsplit_once('/').unwrap_or(("", name));
    let stages = &library.stages;
    if group == "practice" {
        let caption = "As seen by <code>cargo test -p conversations --test \
                       practice</code>";
        return Ok(listing(caption, "text", &body));
    }
    let (stage, filter) = match stages.iter().find(|stage| *stage == group) {
        Some(stage) => match last.strip_prefix("lab-") {
            Some(lab) => (stage.clone(), format!("labs::{lab}")),
            None => (stage.clone(), last.to_string()),
        },
        None => (first_stage(name, library)?, name.replace('/', "::")),
    };
    let caption = format!(
        "As seen by <code>cargo test -p {} {}</code>{}",
        escape(&stage),
        escape(&filter),
        if body.contains(FOLD) { "; long lines are folded" } else { "" }
    );
    Ok(listing(&caption, "text", &body))
}

/// The first stage that promises what a conversation shows: the script may say
/// `from: 3`, or `from: 5.2` for a sub-step. Without a script, or without that
/// line, it is the first of all.
fn first_stage(name: &str, library: &Library) -> Result<String, String> {
    let file = format!("tests/conversations/{name}.http");
    let script = library.read(&file).unwrap_or_default();
    match script.lines().find_map(|line| line.strip_prefix("from:")) {
        Some(number) => {
            let number = number.split('.').next().unwrap_or_default();
            let number = number.trim().parse();
            let number = number.map_err(|_| format!("{file}: from: what?"))?;
            library.workspace.stage(number)
        }
        None => library.stages.first().cloned().ok_or("no stage yet".into()),
    }
}

/// Ends a line that goes on in the next.
const FOLD: &str = " ↩";

/// Output is as wide as it is: here it is folded, if possible at a space.
fn fold(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut rest = line.to_string();
        while rest.chars().count() > COLUMNS {
            let room = COLUMNS - FOLD.chars().count();
            let end = rest.char_indices().nth(room).map_or(0, |(at, _)| at);
            let (head, _) = rest.split_at(end);
            // Not in the first half: what is left would not get shorter.
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
