//! Every code has a page, whose wrong example yields exactly that code and whose right one does not.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::collections::{BTreeMap, BTreeSet};

use hopline_topo::codes::{ERRORS, LINTS, NOTES, explain, summary};
use hopline_topo::{Diagnostic, IncludeError, Included, Loaded, parse_with};

/// Codes that no text of a page can show; their pages say so.
const NOT_SHOWN: &[&str] = &["file-too-large", "not-utf8", "too-many-files"];

#[test]
fn every_code_has_a_page_and_a_summary() {
    for code in codes() {
        let page = explain(code).unwrap_or_else(|| panic!("no page for {code}"));
        assert!(page.text.starts_with(&format!("# {code}\n\n")), "{code}");
        assert_eq!(page.wrong().is_none(), NOT_SHOWN.contains(&code), "{code}");
        assert_eq!(page.right().is_none(), NOT_SHOWN.contains(&code), "{code}");
        assert_eq!(page.text.contains("No example is shown"), page.wrong().is_none(), "{code}");
        assert!(summary(code).is_some_and(|summary| summary.ends_with('.')), "{code}");
        let longest = page.text.lines().map(|line| line.chars().count()).max();
        assert!(longest <= Some(110), "{code}: {longest:?}");
    }
    assert_eq!(explain("no-such-code"), None);
    assert_eq!(summary("no-such-code"), None);
}

#[test]
fn every_wrong_example_yields_exactly_its_code() {
    for code in codes().filter(|code| !NOT_SHOWN.contains(code)) {
        let found = found(explain(code).unwrap().wrong().unwrap());
        let told: BTreeSet<&str> = found.iter().map(|found| found.code).collect();
        // Nearly every mesh is worth a note; only a note's own page is judged by them.
        let wrong: BTreeSet<&str> = match NOTES.contains(&code) {
            true => told.iter().copied().filter(|told| *told == code).collect(),
            false => told.iter().copied().filter(|told| !NOTES.contains(told)).collect(),
        };
        assert_eq!(wrong, BTreeSet::from([code]), "{found:#?}");
    }
}

#[test]
fn no_right_example_yields_its_code_or_another_mistake() {
    for code in codes().filter(|code| !NOT_SHOWN.contains(code)) {
        let found = found(explain(code).unwrap().right().unwrap());
        let is_bad = |found: &&Diagnostic| found.code == code || !NOTES.contains(&found.code);
        assert_eq!(found.iter().find(is_bad), None, "{code}");
    }
}

fn codes() -> impl Iterator<Item = &'static str> {
    [ERRORS, LINTS, NOTES].into_iter().flatten().copied()
}

/// All that is found in an example: a file, and others behind lines such as `# file: nodes.toml`.
fn found(example: &str) -> Vec<Diagnostic> {
    let mut parts = example.split("# file: ");
    let first = parts.next().unwrap();
    let mut files = BTreeMap::from([("mesh.toml", first)]);
    files.extend(parts.map(|part| part.split_once('\n').unwrap()));
    let resolver = |_: &str, path: &str| match files.get(path) {
        Some(text) => Ok(Included {
            name: path.to_owned(),
            identity: path.to_owned(),
            text: (*text).to_owned(),
        }),
        None => Err(IncludeError::Unreadable("there is no file of that name".to_owned())),
    };
    match parse_with("mesh.toml", first, &resolver) {
        Ok(Loaded { warnings, notes, .. }) => [warnings, notes].concat(),
        Err(problems) => problems.diagnostics,
    }
}
