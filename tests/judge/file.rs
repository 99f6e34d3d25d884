//! Reports for other programs. The same verdicts make the same bytes: no times
//! and no port numbers.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::str::FromStr;

use conversations::promise::Verdict;
use serde_json::{Value, json};

use crate::grade::Graded;
use crate::levels::Level;

/// The version of the JSON report: it changes when a program that reads the
/// report has to change.
const VERSION: u32 = 1;

/// A report to write.
#[derive(Debug, Clone)]
pub struct Report {
    format: Format,
    file: PathBuf,
}

#[derive(Debug, Clone, Copy)]
enum Format {
    Json,
    Junit,
}

impl FromStr for Report {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let usage = || "write json=FILE or junit=FILE".to_owned();
        let (format, file) = text.split_once('=').ok_or_else(usage)?;
        let format = match format {
            "json" => Format::Json,
            "junit" => Format::Junit,
            _ => return Err(usage()),
        };
        if file.is_empty() {
            return Err(usage());
        }
        Ok(Self { format, file: file.into() })
    }
}

impl Report {
    /// Writes it.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn write(
        &self,
        line: &str,
        levels: &[Level],
        graded: &[Graded],
    ) -> Result<(), String> {
        let text = match self.format {
            Format::Json => json_text(line, levels, graded),
            Format::Junit => junit_text(line, graded),
        };
        fs::write(&self.file, text)
            .map_err(|error| format!("{}: {error}", self.file.display()))
    }
}

fn json_text(line: &str, levels: &[Level], graded: &[Graded]) -> String {
    let levels: Vec<Value> = levels
        .iter()
        .enumerate()
        .map(|(index, level)| {
            let promises = graded.get(index).map(|graded| {
                graded.pairs().map(|(question, verdict)| {
                    let (result, why) = told(verdict);
                    json!({ "name": question.name(), "result": result, "why": why })
                }).collect::<Vec<_>>()
            });
            json!({
                "number": level.number,
                "title": level.title,
                "promises": promises,
            })
        })
        .collect();
    let report =
        json!({ "version": VERSION, "server": line, "levels": levels });
    format!("{report:#}\n")
}

fn told(verdict: &Verdict) -> (&'static str, Option<String>) {
    match verdict {
        Verdict::Kept => ("kept", None),
        Verdict::Broken(why) => ("broken", Some(without_ports(why))),
        Verdict::NotAsked(why) => ("not asked", Some(without_ports(why))),
    }
}

/// The schema that Jenkins, GitLab and others read: a suite for each level.
fn junit_text(line: &str, graded: &[Graded]) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let name = escaped(line);
    let _ = writeln!(text, "<testsuites name=\"{name}\">");
    for graded in graded {
        let count = graded.count();
        let total = graded.verdicts.len();
        let (failures, skipped) = (count.broken, count.not_asked);
        let title = escaped(&graded.level.title);
        let _ = writeln!(
            text,
            "  <testsuite name=\"{title}\" tests=\"{total}\" \
             failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\">"
        );
        for (question, verdict) in graded.pairs() {
            let name = question.name();
            let (group, name) = name.split_once("::").unwrap_or(("", &name));
            let (group, name) = (escaped(group), escaped(name));
            let head =
                format!("<testcase classname=\"{group}\" name=\"{name}\"");
            let (result, why) = told(verdict);
            let why = escaped(&why.unwrap_or_default());
            let _ = match result {
                "kept" => writeln!(text, "    {head}/>"),
                "broken" => writeln!(
                    text,
                    "    {head}><failure message=\"broken promise\">{why}\
                     </failure></testcase>"
                ),
                _ => writeln!(
                    text,
                    "    {head}><skipped message=\"{why}\"/></testcase>"
                ),
            };
        }
        text.push_str("  </testsuite>\n");
    }
    text + "</testsuites>\n"
}

/// As text or in an attribute. XML 1.0 has no way to write most control bytes.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\n' | '\t' => safe.push(c),
            c if c.is_control() || ('\u{fffe}'..='\u{ffff}').contains(&c) => {
                safe.push('\u{fffd}');
            }
            c => safe.push(c),
        }
    }
    safe
}

/// `127.0.0.1:40123` differs from run to run.
fn without_ports(text: &str) -> String {
    let mut parts = text.split("127.0.0.1:");
    let mut masked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        masked.push_str("127.0.0.1:PORT");
        masked.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    masked
}
