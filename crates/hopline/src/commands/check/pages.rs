//! What the codes mean: `hopline check --explain CODE` and `--list-codes`.

use std::fmt::Write as _;

use hopline::topo::codes::{ERRORS, LINTS, NOTES, explain as page, summary};
use hopline::topo::nearest;

use crate::trouble::Bad;

/// The page of `code`; of `all`, the list of codes.
pub(super) fn explain(code: &str) -> Result<String, Bad> {
    if code == "all" {
        return Ok(list());
    }
    let all = || [ERRORS, LINTS, NOTES].into_iter().flatten().copied();
    if let Some(page) = page(code) {
        return Ok(page.text.to_owned());
    }
    let help = match nearest(code, all()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`hopline check --list-codes` shows all".to_owned(),
    };
    Err(Bad::new(format!("there is no code `{code}`")).help(help))
}

/// All codes, each with what it says in a line.
pub(super) fn list() -> String {
    let kinds = [("errors", ERRORS), ("lints", LINTS), ("notes", NOTES)];
    let widest = kinds.iter().flat_map(|(_, codes)| *codes).map(|code| code.len()).max();
    let width = widest.unwrap_or_default();
    let mut text = String::new();
    for (kind, codes) in kinds {
        let gap = if text.is_empty() { "" } else { "\n" };
        let _ = writeln!(text, "{gap}{kind}:");
        for code in codes {
            let says = summary(code).unwrap_or_default();
            let _ = writeln!(text, "  {code:width$}  {says}");
        }
    }
    text
}
