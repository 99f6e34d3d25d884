//! The box of facts about one socket option.

use std::fmt::Write;

use crate::facts::{Kind, cell};
use crate::library::Library;

/// The box of facts about the option `name`, with links to the code of each
/// stage that makes a choice. It must be on the option's own page.
///
/// # Errors
///
/// There is no such option, it belongs on another page, or its code is missing.
pub fn option_box(
    name: &str,
    page: &str,
    library: &mut Library,
) -> Result<String, String> {
    library.use_box(name);
    let facts = library.options.get(name)?.clone();
    if page != facts.page {
        return Err(format!("{} belongs on {}", facts.name, facts.page));
    }
    let (level, value) = match facts.kind {
        Kind::Option => ("Level", "Type"),
        Kind::Argument => ("Argument of", "Type"),
        Kind::Flag => ("Flag of", "Type"),
    };
    let mut rows = vec![
        (level.to_string(), facts.level),
        (value.to_string(), facts.value),
        ("Set on".to_string(), facts.on.word().to_string()),
        ("When".to_string(), facts.when),
        ("Too late".to_string(), facts.too_late),
        ("Inherited".to_string(), facts.inherited),
        ("Default".to_string(), facts.default),
        ("BSD, macOS".to_string(), facts.elsewhere),
    ];
    let code = facts.code.as_ref().and_then(|code| code.split_once('#'));
    for (stage, choice) in &facts.choice {
        let mut choice = choice.words();
        if let Some((file, item)) = code {
            let file = format!("{stage}/src/{file}");
            let href = library.item_link(page, &file, item)?;
            let _ = write!(choice, " ([`{item}`]({href}))");
        }
        rows.push((stage.clone(), choice));
    }
    let mut table = format!("| | `{}` |\n| --- | --- |\n", facts.name);
    for (name, text) in rows {
        let _ = writeln!(table, "| {name} | {} |", cell(&text));
    }
    Ok(format!("<div class=\"facts\">\n\n{table}\n</div>"))
}
