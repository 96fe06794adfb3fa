//! Files that include each other: read as if they were one, and every mistake told at its place.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fmt::Write as _;

use hopline_topo::{
    IncludeError, Included, Loaded, MAX_FILE, MAX_FILES, Plan, Problems, codes, load, parse,
    parse_with,
};
use proptest::prelude::*;

const MESH: &str = "[mesh]\nname = \"office\"\n[nodes.top]\n";

/// Reads the first of some files, which may include the others.
fn read(files: &[(&str, &str)]) -> Result<Loaded, Problems> {
    let resolver = |_: &str, path: &str| {
        let missing = || IncludeError::Unreadable("there is no file of that name".to_owned());
        let (name, text) = files.iter().find(|(name, _)| *name == path).ok_or_else(missing)?;
        let (name, text) = ((*name).to_owned(), (*text).to_owned());
        Ok(Included { identity: name.clone(), name, text })
    };
    parse_with(files[0].0, files[0].1, &resolver)
}

fn codes_of(files: &[(&str, &str)]) -> Vec<&'static str> {
    read(files).unwrap_err().diagnostics.iter().map(|found| found.code).collect()
}

#[test]
fn several_files_are_read_as_if_they_were_one() {
    let parts = read(&[
        ("mesh.toml", "include = [\"east.toml\", \"routes.toml\"]\n[mesh]\nname = \"office\"\n"),
        ("east.toml", "include = [\"top.toml\"]\n[nodes.east]\nupstream = [\"top\"]\n[clients]\nalice = \"east\"\n"),
        ("top.toml", "nodes.top.bind = \"auto\"\n[clients]\nbob = \"top\"\n"),
        ("routes.toml", "[routes.east]\n\"x.*\" = \"top\"\n[lints.allow]\nbridge = \"meant\"\n"),
    ])
    .unwrap();
    let one = parse(
        "mesh.toml",
        "[mesh]\nname = \"office\"\n[nodes]\neast = { upstream = [\"top\"] }\ntop.bind = \"auto\"\n\
         [clients]\nalice = \"east\"\nbob = \"top\"\n[routes.east]\n\"x.*\" = \"top\"\n\
         [lints.allow]\nbridge = \"meant\"\n",
    )
    .unwrap();
    assert_eq!(parts.topology, one.topology);
    assert_eq!(parts.allowed, one.allowed);
    assert_eq!(parts.allowed[0].findings, 1);
    assert_eq!(parts.source.files().count(), 4);
}

#[test]
fn the_mistakes_of_all_files_are_told_in_one_run() {
    let problems = read(&[
        (
            "mesh.toml",
            "include = [\"sites/east.toml\", \"sites/west.toml\", 3]\n\n[mesh]\nname = \"my office\"\n\n\
             [nodes.top]\nbind = \"tcp://127.0.0.1:5555\"\n\n[clients]\nalice = \"top\"\n",
        ),
        (
            "sites/east.toml",
            "# The east.\n[nodes.east]\nbind = tcp://127.0.0.1:5555\n\n[nodes.top]\nupstream = [\"tpo\"]\n\n\
             [clients]\nalice = \"east\"\n",
        ),
        (
            "sites/west.toml",
            "[mesh]\nhop_limit = 300\n\n[nodes.west]\nbind = \"tcp://127.0.0.1:5555\"\nbind = \"auto\"\n\
             upstream = [{ node = \"top\", cost = 0 }]\n",
        ),
    ])
    .unwrap_err();
    insta::assert_snapshot!("several-files", problems.to_string());
    let data = serde_json::to_string_pretty(&problems.findings()).unwrap();
    insta::assert_snapshot!("several-files-as-data", data);
}

#[test]
fn places_in_included_files_count_what_their_editor_counts() {
    let east = "\u{feff}# \u{e4}\u{f6}\u{fc} \u{20ac}\r\n[nodes.east] # \u{1f600}\r\n\
                upstream = [ # \u{20ac}\r\n  \"top\", \"n\u{f6}rd\" ]\r\n";
    let west = "\u{feff}nodes.west.upstream = [\"o\u{df}t\"]\r\n";
    let mesh = format!("include = [\"east\", \"west\"]\n{MESH}");
    let problems = read(&[("mesh", &mesh), ("east", east), ("west", west)]).unwrap_err();
    let found = problems.findings();
    let places: Vec<_> =
        found.iter().map(|f| (f.code, f.file.as_str(), f.line, f.column, f.end_column)).collect();
    assert_eq!(
        places,
        [
            (codes::UNKNOWN_NODE, "east", Some(4), Some(10), Some(16)),
            // The mark at the beginning is a character of the first line.
            (codes::UNKNOWN_NODE, "west", Some(1), Some(25), Some(30)),
        ]
    );
    let texts: Vec<&str> = problems
        .diagnostics
        .iter()
        .map(|found| {
            let span = found.span().unwrap();
            let file = problems.source.file_at(span.start);
            &file.text()[span.start - file.start()..span.end - file.start()]
        })
        .collect();
    assert_eq!(texts, ["\"n\u{f6}rd\"", "\"o\u{df}t\""]);
}

#[test]
fn two_ways_to_one_file_are_one_too_many() {
    let mesh = format!("include = [\"a\", \"b\"]\n{MESH}");
    let (a, b) = ("include = [\"c\"]\n", "include = [\"c\"]\n[nodes.b]\nupstream = [\"top\"]\n");
    let problems =
        read(&[("mesh", &mesh), ("a", a), ("b", b), ("c", "clients.x = \"b\"\n")]).unwrap_err();
    insta::assert_snapshot!("diamond", problems.to_string());
}

#[test]
fn what_cannot_be_read_is_one_mistake_and_no_other() {
    let mesh = "include = [\"part\"]\n[clients]\nalice = \"east\"\n[routes.east]\nx = \"bob\"\n";
    for part in [
        "[mesh]\nname = \"m\"\n[nodes.east\nbind = \"auto\"\n[clients]\nbob = \"alice\n",
        "[mesh]\nname = \"m\"\n[nodes.b]\n[nodes.east\n\"bob\"",
    ] {
        let codes = codes_of(&[("mesh", mesh), ("part", part)]);
        assert!(codes.iter().all(|code| *code == codes::SYNTAX), "{codes:?}: {part}");
    }
    for (files, code) in [
        (vec![("mesh", mesh)], codes::UNREADABLE_FILE),
        (vec![("mesh", "include = [1]\n[clients]\na = \"b\"\n")], codes::WRONG_TYPE),
        (vec![("mesh", "include = [\" \"]\n[clients]\na = \"b\"\n")], codes::BAD_VALUE),
        (vec![("mesh", "include = \"x\"\n[clients]\na = \"b\"\n")], codes::UNREADABLE_FILE),
        (vec![("mesh", "include = [\"x\"\n[clients]\na = \"b\"\n")], codes::SYNTAX),
        (vec![("mesh", mesh), ("part", "include = [x]\n")], codes::SYNTAX),
    ] {
        assert_eq!(codes_of(&files), [code], "{files:?}");
    }
}

#[test]
fn a_text_from_no_file_includes_none() {
    let problems = parse("mesh.toml", "include = [\"part.toml\"]\n").unwrap_err();
    insta::assert_snapshot!("no-folder", problems.to_string());
}

#[test]
fn there_may_be_so_many_files_and_no_more() {
    let read_many = |count: usize| {
        let mut mesh = "include = [".to_owned();
        for number in 1..count {
            let _ = write!(mesh, "\"{number}\", ");
        }
        let _ = write!(mesh, "]\n{MESH}");
        parse_with("mesh", &mesh, &|_, path| {
            let name = path.to_owned();
            let text = format!("nodes.n{name}.upstream = [\"top\"]\n");
            Ok(Included { identity: name.clone(), name, text })
        })
    };
    assert_eq!(read_many(MAX_FILES).unwrap().topology.nodes().len(), MAX_FILES);
    let problems = read_many(MAX_FILES + 2).unwrap_err();
    let codes: Vec<_> = problems.diagnostics.iter().map(|found| found.code).collect();
    assert_eq!(codes, [codes::TOO_MANY_FILES]);
    assert_eq!(problems.source.files().count(), MAX_FILES);
}

#[test]
fn all_files_together_may_be_so_large_and_no_larger() {
    let half = "#".repeat(MAX_FILE as usize / 2);
    let mesh = format!("include = [\"a\", \"b\"]\n{MESH}");
    let problems = read(&[("mesh", &mesh), ("a", &half), ("b", &half)]).unwrap_err();
    insta::assert_snapshot!("too-large-together", problems.to_string());
}

#[test]
fn included_files_are_looked_for_from_the_folder_of_the_one_that_includes() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let write = |name: &str, bytes: &[u8]| std::fs::write(root.join(name), bytes).unwrap();
    std::fs::create_dir(root.join("parts")).unwrap();
    write(
        "parts/east.toml",
        b"include = [\"../top.toml\", \"./west.toml\"]\nnodes.east.upstream = [\"top\"]\n",
    );
    write("parts/west.toml", b"nodes.west.upstream = [\"top\"]\n");
    let absolute = root.join("parts/east.toml");
    let mesh = |include: &str| format!("include = {include}\n{MESH}");
    write("top.toml", b"[nodes.bottom]\n");
    write("mesh.toml", mesh(&format!("[{:?}]", absolute.display())).as_bytes());
    let loaded = load(&root.join("mesh.toml")).unwrap();
    assert_eq!(loaded.topology.nodes().len(), 4);

    let told = |include: &str| {
        write("mesh.toml", mesh(include).as_bytes());
        let problems = load(&root.join("mesh.toml")).unwrap_err();
        let found = problems.findings();
        let report = problems.to_string().replace(&format!("{}/", root.display()), "");
        (found.iter().map(|f| (f.code, f.line)).collect::<Vec<_>>(), report)
    };
    std::os::unix::fs::symlink("mesh.toml", root.join("link.toml")).unwrap();
    assert_eq!(told("[\"link.toml\"]").0, [(codes::INCLUDE_CYCLE, Some(1))]);
    std::os::unix::fs::symlink("top.toml", root.join("other.toml")).unwrap();
    assert_eq!(
        told("[\"parts/east.toml\", \"other.toml\"]").0,
        [(codes::DUPLICATE_INCLUDE, Some(1))]
    );
    assert_eq!(told("[\"parts\"]").0, [(codes::UNREADABLE_FILE, Some(1))]);
    write("bad.toml", b"# good\n[nodes.\xff]\n");
    let (found, report) = told("[\"bad.toml\"]");
    assert_eq!(found, [(codes::NOT_UTF8, Some(2))]);
    insta::assert_snapshot!("included-not-utf8", report);
    write("large.toml", "#".repeat(MAX_FILE as usize + 1).as_bytes());
    let (found, report) = told("[\"large.toml\"]");
    assert_eq!(found, [(codes::FILE_TOO_LARGE, Some(1))]);
    insta::assert_snapshot!("included-too-large", report);
}

/// Words of files that include, to build texts that come far.
const WORDS: &[&str] = &[
    "include = [\"a\"]\n",
    "include = [\"b\"]\n",
    "include = [\"c\", \"b\"]\n",
    "include = ",
    "\u{feff}",
    "[mesh]\n",
    "name = \"m\"\n",
    "[nodes.a]\n",
    "[nodes.b]\n",
    "nodes.c.bind = 1\n",
    "nodes = 3\n",
    "upstream = [\"a\"]\n",
    "upstream = [",
    "[clients]\n",
    "x = \"a\"\n",
    "[[links]]\n",
    "links = []\n",
    "[lints.allow]\n",
    "bridge = \"x\"\n",
    "bridge = \"\"\n",
    "[lints]\n",
    "allow = 1\n",
    "\u{20ac}",
    "\r\n",
    "\n",
    "\"",
    "'''",
    "]",
    "[",
    "=",
    "#",
    "{",
    "}",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_pair_of_texts_makes_reading_panic(
        a in proptest::collection::vec(proptest::sample::select(WORDS), 0..24),
        b in proptest::collection::vec(proptest::sample::select(WORDS), 0..24),
        good in any::<bool>(),
    ) {
        let begin = if good { "include = [\"b\"]\n[mesh]\nname = \"m\"\n[nodes.top]\n" } else { "" };
        let (a, b) = (format!("{begin}{}", a.concat()), b.concat());
        match read(&[("a", &a), ("b", &b), ("c", "[nodes.z]\n")]) {
            Ok(loaded) => {
                let _ = (loaded.render(true), loaded.everything(), Plan::new(&loaded.topology));
            }
            Err(problems) => {
                prop_assert!(problems.errors().count() > 0);
                prop_assert!(!problems.to_string().is_empty());
                for found in problems.findings() {
                    let (line, column) = (found.line.unwrap_or(1), found.column.unwrap_or(1));
                    let end = (found.end_line.unwrap_or(1), found.end_column.unwrap_or(1));
                    prop_assert!((line, column) <= end, "{found:?}");
                }
            }
        }
    }
}

#[test]
fn a_pipe_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mesh = folder.path().join("mesh.toml");
    std::fs::write(&mesh, "include = [\"pipe\"]\n[mesh]\nname = \"m\"\n[nodes.a]\n").unwrap();
    let problems = load(&mesh).unwrap_err();
    assert!(problems.to_string().contains("it is no plain file"), "{problems}");
}
