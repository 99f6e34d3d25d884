//! The script language, line by line. `tests/README.md` describes it.

use super::{Action, Script, Step};
use crate::number::Number;
use crate::wire::escape;

/// A line number, from 1, and the reason.
type Mistake = (usize, String);

/// The directives, listed in the error for an unknown one.
const DIRECTIVES: &str = "`> text`, `fill N C`, `drip C`, `segment`, \
    `repeat N` with `end`, `connect`, `read N`, `read continue`, `read \
    close`, `half-close`, `reset`, `pause N ms`";

/// Parses a whole file.
///
/// # Errors
/// The line, and a reason that shows the correct form.
pub fn parse(text: &str) -> Result<Script, Mistake> {
    let mut script = Script {
        promise: Vec::new(),
        from: Number::stage(1),
        until: Number::EVER,
        flags: Vec::new(),
        split: true,
        io_limit: true,
        any_server: true,
        steps: Vec::new(),
    };
    let mut lines = text
        .lines()
        .enumerate()
        .map(|(number, line)| (number + 1, line))
        .peekable();
    while let Some((_, line)) = lines.next_if(|(_, l)| l.starts_with('#')) {
        script.promise.push(line[1..].trim().to_owned());
    }
    if script.promise.iter().all(String::is_empty) {
        let why = "no promise: begin the file with `# ` and say, in words that \
                   a student understands, what the server must do";
        return Err((1, why.into()));
    }
    while let Some((number, line)) = lines.next_if(|(_, l)| is_heading(l)) {
        setting(&mut script, line).map_err(|why| (number, why))?;
    }
    let mut lines: Vec<_> = lines.filter(|(_, l)| !is_blank(l)).collect();
    lines.reverse();
    script.steps = block(&mut lines, None)?;
    check(&script)?;
    Ok(script)
}

fn is_blank(line: &str) -> bool {
    line.trim().is_empty() || line.starts_with('#')
}

/// A blank line, a comment, or a setting such as `from: 5`.
fn is_heading(line: &str) -> bool {
    let key = line.split_once(':').map_or("", |(key, _)| key);
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
    let is_key = !key.is_empty() && key.bytes().all(allowed);
    is_blank(line) || is_key
}

fn setting(script: &mut Script, line: &str) -> Result<(), String> {
    if is_blank(line) {
        return Ok(());
    }
    let (key, value) = line.split_once(':').unwrap_or((line, ""));
    let value = value.trim();
    match key {
        "from" => script.from = stage(value)?,
        "until" => script.until = stage(value)?,
        "flags" => {
            script.flags = value.split_whitespace().map(Into::into).collect();
        }
        "split" if value == "off" => script.split = false,
        "io-limit" if value == "off" => script.io_limit = false,
        "any-server" if value == "off" => script.any_server = false,
        "split" | "io-limit" | "any-server" => {
            return Err(format!("the only value is `{key}: off`"));
        }
        _ => {
            return Err(format!(
                "unknown setting `{key}`; the settings are from, until, flags, \
                 split, io-limit, any-server"
            ));
        }
    }
    Ok(())
}

fn stage(value: &str) -> Result<Number, String> {
    let number: Number = value.parse()?;
    if (1..=6).contains(&number.stage) {
        return Ok(number);
    }
    Err(format!("`{value}` is not a stage; the stages are 1 to 6"))
}

/// The steps up to the end of the file, or up to `end` if `opened` is the line
/// of a `repeat`. `lines` is reversed: the next line is the last.
fn block(
    lines: &mut Vec<(usize, &str)>,
    opened: Option<usize>,
) -> Result<Vec<Step>, Mistake> {
    let mut steps = Vec::new();
    while let Some((line, text)) = lines.pop() {
        let (connection, rest) = split_connection(text);
        if rest == "end" {
            return match opened {
                Some(_) => Ok(steps),
                None => Err((line, "`end` without a `repeat`".into())),
            };
        }
        let mut action = action(rest).map_err(|why| (line, why))?;
        if let Action::Repeat(_, steps) = &mut action {
            *steps = block(lines, Some(line))?;
        }
        let connection = connection.to_owned();
        steps.push(Step { line, connection, action });
    }
    match opened {
        Some(line) => Err((line, "this `repeat` has no `end`".into())),
        None => Ok(steps),
    }
}

/// `A> text` and `A read 1` name the connection A.
fn split_connection(text: &str) -> (&str, &str) {
    let bytes = text.as_bytes();
    let named = bytes.first().is_some_and(u8::is_ascii_uppercase);
    match bytes.get(1) {
        Some(b'>') if named => text.split_at(1),
        Some(b' ') if named => (&text[..1], &text[2..]),
        _ => ("", text),
    }
}

fn action(text: &str) -> Result<Action, String> {
    if let Some(text) = text.strip_prefix('>') {
        return send(text);
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    match words[..] {
        ["segment"] => Ok(Action::Segment),
        ["connect"] => Ok(Action::Connect),
        ["half-close"] => Ok(Action::HalfClose),
        ["reset"] => Ok(Action::Reset),
        ["read", "continue"] => Ok(Action::ReadContinue),
        ["read", "close"] => Ok(Action::ReadClose),
        ["read", count] => Ok(Action::Read(number(count)?)),
        ["repeat", count] => Ok(Action::Repeat(number(count)?, Vec::new())),
        ["pause", count, "ms"] => match number(count)? {
            ms @ 1..=10_000 => Ok(Action::Pause(ms as u64)),
            _ => Err("a pause is 1 to 10000 ms".into()),
        },
        ["fill", count, byte] => Ok(Action::Fill(number(count)?, one(byte)?)),
        ["drip", byte] => Ok(Action::Drip(one(byte)?)),
        [word, "ms"] | [word, ..] if is_setting(word) => {
            Err("settings come before the conversation".into())
        }
        _ => Err(format!(
            "unknown directive `{text}`; the directives are {DIRECTIVES}"
        )),
    }
}

/// The byte of `fill N C` and of `drip C`.
fn one(text: &str) -> Result<u8, String> {
    match &escape::parse(text)?[..] {
        [escape::Part::Bytes(bytes)] if bytes.len() == 1 => Ok(bytes[0]),
        _ => Err("`fill N C`, `drip C`: C is one character or escape".into()),
    }
}

fn is_setting(word: &str) -> bool {
    ["from:", "until:", "flags:", "split:", "io-limit:", "any-server:"]
        .contains(&word)
}

fn send(text: &str) -> Result<Action, String> {
    let Some(text) = text.strip_prefix(' ').filter(|text| !text.is_empty())
    else {
        return Err(
            "a `>` is followed by one space and the text to send".into()
        );
    };
    if text.ends_with([' ', '\t']) {
        let why = "the line ends in an invisible space: write it as \\x20";
        return Err(why.into());
    }
    Ok(Action::Send(text.to_owned(), escape::parse(text)?))
}

fn number(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|n| *n > 0);
    number.ok_or_else(|| format!("`{text}` is not a number above 0"))
}

/// Checks that need the whole script.
fn check(script: &Script) -> Result<(), Mistake> {
    let Some(first) = leaf(&script.steps) else {
        return Err((1, "no conversation: the script has no steps".into()));
    };
    if script.from > script.until {
        return Err((1, "`until` is before `from`".into()));
    }
    check_names(&script.steps, first.connection.is_empty())
}

/// The first step that is not a `repeat`.
fn leaf(steps: &[Step]) -> Option<&Step> {
    let step = steps.first()?;
    match &step.action {
        Action::Repeat(_, inner) => leaf(inner).or_else(|| leaf(&steps[1..])),
        _ => Some(step),
    }
}

fn check_names(steps: &[Step], nameless: bool) -> Result<(), Mistake> {
    for step in steps {
        match &step.action {
            Action::Repeat(_, inner) => check_names(inner, nameless)?,
            _ if step.connection.is_empty() != nameless => {
                let why = "some lines name their connection (`A> …`, `A read \
                           1`) and others don't";
                return Err((step.line, why.into()));
            }
            _ => {}
        }
    }
    Ok(())
}
