//! What is found in a mesh that a test writes down.

use hopline_topo::parse;

/// The codes of all that is found in a mesh called m with these tables.
pub(crate) fn found(text: &str) -> Vec<&'static str> {
    let text = format!("[mesh]\nname = \"m\"\n{text}");
    let found = match parse("m.toml", &text) {
        Ok(loaded) => loaded.warnings,
        Err(problems) => problems.diagnostics,
    };
    found.iter().map(|d| d.code).collect()
}
