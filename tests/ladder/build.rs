//! Builds and tests sub-steps.

use std::time::Instant;

use conversations::number::Number;
use conversations::variant::Variant;
use conversations::variant::stages::Ladder;

use conversations::command::{Answer, Failure};

/// Builds each sub-step and runs its tests, or only those that match the
/// filter. Output from cargo and the tests appears at once, below the
/// sub-step's name.
///
/// # Errors
/// A number that the ladder does not have.
pub fn test(
    ladder: &Ladder,
    mut numbers: Vec<Number>,
    filter: Option<&str>,
) -> Result<Answer, Failure> {
    let known = ladder.numbers()?;
    for number in &numbers {
        crate::known(&known, *number)?;
    }
    if numbers.is_empty() {
        numbers = between(ladder)?;
    }
    let (mut lines, mut good) = (Vec::new(), true);
    for number in numbers {
        let started = Instant::now();
        let heading = heading(ladder, number);
        eprintln!("\n== {heading}");
        let tested = Variant::new(ladder, number)
            .and_then(|variant| variant.test(filter));
        let took = started.elapsed().as_secs();
        let verdict = match tested {
            Ok(()) => "passed",
            Err(why) => {
                eprintln!("\n{number}: {why}");
                good = false;
                "failed"
            }
        };
        lines.push(format!("{verdict}  {heading} ({took} s)"));
    }
    if lines.is_empty() {
        lines.push("There are no sub-steps to test.".to_owned());
    }
    Ok(Answer { text: format!("\n{}\n", lines.join("\n")), good })
}

/// All sub-steps except those that equal a stage: `cargo test` covers the
/// stages.
fn between(ladder: &Ladder) -> Result<Vec<Number>, String> {
    let mut numbers = Vec::new();
    for number in ladder.numbers()? {
        let stage = Number::stage(number.stage);
        if number.step.is_some()
            && ladder.rung(number)?.files != ladder.rung(stage)?.files
        {
            numbers.push(number);
        }
    }
    Ok(numbers)
}

fn heading(ladder: &Ladder, number: Number) -> String {
    let title = ladder.rung(number).ok().and_then(|rung| rung.patch);
    let title = title.map(|patch| patch.header.paragraph("Title"));
    format!("{number} {}", title.unwrap_or_default()).trim_end().to_owned()
}
