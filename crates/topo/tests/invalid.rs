//! Every mistake has a file in `topologies/invalid`, is found there, alone, and told well.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod files;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use files::{files_of, folder, stem};
use hopline_topo::{Diagnostic, Problems, Source, codes, load, parse, render};

const FOLDER: &str = "topologies/invalid";

/// Errors of the file as a whole, which no text in the folder can show.
const NOT_IN_A_TEXT: &[&str] = &[codes::FILE_TOO_LARGE, codes::TOO_MANY_FILES];

#[test]
fn each_file_yields_exactly_the_codes_it_expects() {
    for path in files() {
        let (source, found) = findings(&path);
        let found: Vec<&str> = found.iter().map(|d| d.code).collect();
        let expected = source.text().lines().next().unwrap_or_default();
        let expected = expected.strip_prefix("# expect: ").unwrap_or_default();
        let (mut found, mut expected): (Vec<&str>, Vec<&str>) =
            (found, expected.split(", ").collect());
        if stem(&path) != "ten-mistakes" {
            assert_eq!(stem(&path).split('.').next(), Some(expected[0]), "{path:?}");
            found.sort_unstable();
            expected.sort_unstable();
        }
        assert_eq!(found, expected, "{path:?}");
    }
}

#[test]
fn every_code_has_a_file() {
    let shown: BTreeSet<&str> = files()
        .iter()
        .flat_map(|path| findings(path).1)
        .map(|d| d.code)
        .chain(NOT_IN_A_TEXT.iter().copied())
        .collect();
    let all: BTreeSet<&str> =
        [codes::ERRORS, codes::LINTS, codes::NOTES].concat().into_iter().collect();
    assert_eq!(shown, all);
    for codes in [codes::ERRORS, codes::LINTS, codes::NOTES] {
        assert!(codes.is_sorted(), "{codes:?}");
    }
}

#[test]
fn each_mistake_reads_well() {
    for path in files() {
        let (source, found) = findings(&path);
        let name = stem(&path).replace('.', "--");
        let shown = render(&source, &found, false);
        let folder = format!("{}/", folder(FOLDER).display());
        insta::assert_snapshot!(name, shown.replace(&folder, ""));
    }
}

#[test]
fn ten_mistakes_are_told_in_one_run_and_in_order() {
    let text = std::fs::read_to_string(folder(FOLDER).join("ten-mistakes.toml")).unwrap();
    let problems = parse("ten-mistakes.toml", &text).unwrap_err();
    assert_eq!(problems.errors().count(), 10);
    let lines: Vec<_> = problems.findings().iter().map(|f| f.line).collect();
    assert!(lines.is_sorted(), "{lines:?}");
    let data = serde_json::to_string_pretty(&problems.findings()).unwrap();
    insta::assert_snapshot!("ten-mistakes-as-data", data);
}

#[test]
fn with_colour_the_same_words_are_said() {
    let path = folder(FOLDER).join("unknown-node.toml");
    let problems = load(&path).unwrap_err();
    let colored = problems.render(true);
    assert!(colored.contains('\u{1b}'));
    assert!(colored.contains("tpo"));
    assert_eq!(problems.to_string(), problems.render(false));
}

#[test]
fn a_file_that_cannot_be_read_is_told_by_its_name() {
    let missing = told(Path::new("nowhere/mesh.toml"));
    insta::assert_snapshot!("unreadable-file", missing.to_string());

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.toml");
    std::fs::write(&path, "#".repeat(hopline_topo::MAX_FILE as usize + 1)).unwrap();
    let large = told(&path);
    let shown = large.to_string().replace(&path.display().to_string(), "large.toml");
    insta::assert_snapshot!("file-too-large", shown);

    let directory = told(folder.path());
    assert_eq!(directory.diagnostics[0].code, codes::UNREADABLE_FILE);
}

#[test]
fn an_empty_text_lacks_its_mesh_and_its_nodes() {
    let problems = parse("empty.toml", "").unwrap_err();
    let codes: Vec<_> = problems.errors().map(|d| d.code).collect();
    assert_eq!(codes, [codes::MISSING_KEY, codes::NO_NODES]);
    insta::assert_snapshot!("empty", problems.to_string());
}

#[test]
fn what_cannot_be_read_is_no_second_mistake() {
    for text in [
        "this is no TOML\n",
        "[mesh\nname = \"m\"\n",
        "[mesh]\nname = \"\"\"m\n[nodes.a]\nbind = \"auto\"\n",
        "[mesh\nname = \"m\"\n[nodes.a]\n",
        "[mesh]\nname = m\n[nodes.a]\n",
        "[mesh]\nname = \"m\"\n[nodes.a\n",
        "[mesh]\nname = \"m\"\n[nodes.a\nbind = \"auto\"\n[nodes.b]\nupstream = [\"a\"]\n",
        "[mesh]\nname = \"m\"\n[nodes.b]\n[clients]\nc = b\n[routes.b]\nx = \"c\"\n",
    ] {
        let problems = parse("broken.toml", text).unwrap_err();
        let codes: Vec<_> = problems.errors().map(|d| d.code).collect();
        assert_eq!(codes, [codes::SYNTAX], "{text}\n{problems}");
    }
}

fn told(path: &Path) -> Problems {
    load(path).unwrap_err()
}

/// What is told of a file. Nearly every mesh is worth a note, so notes count only in their own files.
fn findings(path: &Path) -> (Source, Vec<Diagnostic>) {
    let is_note = |code: &str| codes::NOTES.contains(&code);
    match load(path) {
        Ok(loaded) if is_note(stem(path)) => (loaded.source, loaded.notes),
        Ok(loaded) => (loaded.source, loaded.warnings),
        Err(problems) => (problems.source, problems.diagnostics),
    }
}

fn files() -> Vec<PathBuf> {
    files_of(FOLDER)
}
