//! Builds and tests sub-steps.

use std::time::Instant;

use conversations::variant::Variant;
use conversations::variant::rung::Number;
use conversations::variant::stages::Ladder;

use crate::{Answer, Failure};

/// Builds each sub-step and runs its tests, all of them or those that match.
/// What cargo and the tests print goes out at once, below the sub-step's name.
///
/// # Errors
/// If there is no such tree.
pub fn test(
    ladder: &Ladder,
    mut numbers: Vec<Number>,
    filter: &[String],
) -> Result<Answer, Failure> {
    let known = ladder.numbers()?;
    for number in &numbers {
        crate::known(&known, *number)?;
    }
    if numbers.is_empty() {
        numbers.extend(known.iter().filter(|number| number.step.is_some()));
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
        lines.push("There are no sub-steps.".to_owned());
    }
    Ok(Answer { text: format!("\n{}\n", lines.join("\n")), good })
}

fn heading(ladder: &Ladder, number: Number) -> String {
    let title = ladder.rung(number).ok().and_then(|rung| rung.patch);
    let title = title.map(|patch| patch.header.paragraph("Title"));
    format!("{number} {}", title.unwrap_or_default()).trim_end().to_owned()
}
