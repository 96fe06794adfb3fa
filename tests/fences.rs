//! The fences of the house, held by reading the sources as text.
//!
//! What each fence is for stands in ARCHITECTURE.md. To move one, change the list at its head here
//! and the page there, in one commit.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The crates from the bottom up, each with the folder of its manifest. A crate may depend on those
/// above it in this list, never on those below.
const CRATES: &[(&str, &str)] = &[
    ("hopline-core", "crates/core"),
    ("hopline-mesh", "crates/mesh"),
    ("hopline-topo", "crates/topo"),
    ("hopline-testkit", "crates/testkit"),
    ("hopline", "."),
];

/// The rim: the only files, and folders, whose code touches the world.
const RIM: &[&str] = &[
    "crates/core/src/transport.rs",
    "crates/core/src/transport/turns.rs",
    "crates/core/src/gate.rs",
    "crates/core/src/gate/",
    "crates/core/src/router.rs",
    "crates/core/src/router/",
    "crates/core/src/dealer.rs",
    "crates/core/src/dealer/",
    "crates/mesh/src/node.rs",
    "crates/mesh/src/node/",
    "crates/mesh/src/client.rs",
    "crates/mesh/src/client/",
    "crates/topo/src/load.rs",
    "crates/topo/src/launch.rs",
    "crates/topo/src/launch/",
    "crates/testkit/src/",
    "crates/hopline/src/",
];

/// Files within the rim that are as pure as if they were outside: they read bytes from strangers.
const PURE: &[&str] = &[
    "crates/core/src/gate/marks.rs",
    "crates/core/src/gate/pulse.rs",
    "crates/core/src/gate/walker.rs",
    "crates/core/src/gate/zmtp.rs",
];

/// Single words that single files outside the rim may use.
const GRANTS: &[(&str, &str)] = &[
    ("crates/core/src/counts.rs", "Instant::now"),
    ("crates/core/src/identity.rs", "fastrand"),
    ("crates/core/src/identity.rs", "getrandom"),
    ("crates/core/src/gate/marks.rs", "getrandom"),
];

/// What touches the world.
const WORLD: &[(&str, &[&str])] = &[
    ("a socket", &["tokio::net", "TcpStream", "TcpListener", "UdpSocket", "socket2"]),
    ("a socket", &["UnixStream", "UnixListener", "UnixDatagram"]),
    ("a file", &["std::fs", "tokio::fs", "File::open", "File::create", "OpenOptions"]),
    ("a clock", &["Instant::now", "SystemTime::now", "UNIX_EPOCH", "tokio::time"]),
    ("a task", &["JoinSet", "tokio::spawn", "task::spawn", "thread::spawn", "tokio::runtime"]),
    ("a process", &["std::process", "tokio::process", "tokio::signal", "std::env"]),
    ("chance", &["getrandom", "fastrand", "rand::"]),
];

/// What stands nowhere, and what to do instead.
const NOWHERE: &[(&str, &str)] = &[
    ("#[allow(", "`#[expect(.., reason)]`"),
    ("#![allow(", "`#[expect(.., reason)]` at the item"),
    ("unsafe", "safe code"),
    ("todo!", "the thing itself"),
    ("unimplemented!", "the thing itself"),
    ("#[ignore", "a test that runs"),
    ("thread::sleep", "wait for the condition, with a deadline"),
];

/// The one file that names the transport's crate; tests and benches may, to play a foreign peer.
const TRANSPORT: &str = "crates/core/src/transport.rs";

/// The most lines of a file.
const LINES: usize = 400;

/// Files that are longer and wait to be split by noun. A file that fits again must leave this list;
/// none may be added.
const LONG: &[&str] = &[];

#[test]
fn only_the_rim_touches_the_world() {
    let mut broken = String::new();
    for source in sources().iter().filter(|source| source.is_shipped()) {
        let is_pure = PURE.contains(&source.path.as_str());
        if !is_pure && RIM.iter().any(|rim| source.is_in(rim)) {
            continue;
        }
        for (number, line) in source.code() {
            for (what, words) in WORLD {
                for word in words.iter().filter(|word| says(line, word)) {
                    if !GRANTS.contains(&(source.path.as_str(), *word)) {
                        let _ = writeln!(broken, "{}:{number}: {what}: `{word}`", source.path);
                    }
                }
            }
        }
    }
    assert!(broken.is_empty(), "outside the rim:\n{broken}");
}

#[test]
fn a_crate_depends_on_lower_ones_only() {
    let mut broken = String::new();
    for (rank, (name, folder)) in CRATES.iter().enumerate() {
        let path = root().join(folder).join("Cargo.toml");
        for used in dependencies(&read(&path)) {
            match CRATES.iter().position(|(other, _)| *other == used) {
                Some(below) if below < rank => {}
                Some(_) => {
                    let _ = writeln!(broken, "{name} depends on {used}");
                }
                None => {
                    let _ = writeln!(broken, "{name} depends on {used}, which has no place");
                }
            }
        }
    }
    assert!(broken.is_empty(), "upward:\n{broken}");
}

#[test]
fn every_file_begins_with_what_it_is() {
    let broken = paths_where(|source| !source.text.trim_start().starts_with("//! "));
    assert!(broken.is_empty(), "no `//!` at the head:\n{broken}");
}

#[test]
fn one_file_names_the_transport() {
    let broken = paths_where(|source| {
        let named = |(_, line): (usize, &str)| says(line, "zeromq");
        source.is_shipped() && source.path != TRANSPORT && source.code().any(named)
    });
    assert!(broken.is_empty(), "the crate `zeromq` is named in:\n{broken}");
}

#[test]
fn no_file_is_too_long() {
    let is_long = |source: &Source| source.text.lines().count() > LINES;
    let excused = |source: &Source| LONG.contains(&source.path.as_str());
    let broken = paths_where(|source| is_long(source) && !excused(source));
    assert!(broken.is_empty(), "over {LINES} lines, split them by noun:\n{broken}");
    let sources = sources();
    let long = |path: &&str| sources.iter().any(|source| source.path == **path && is_long(source));
    let stale: Vec<_> = LONG.iter().filter(|path| !long(path)).collect();
    assert!(stale.is_empty(), "these fit again, take them out of the list: {stale:?}");
}

#[test]
fn some_words_stand_nowhere() {
    let mut broken = String::new();
    for source in sources() {
        for (number, line) in source.all_code() {
            for (word, instead) in NOWHERE.iter().filter(|(word, _)| says(line, word)) {
                let _ = writeln!(broken, "{}:{number}: `{word}`: {instead}", source.path);
            }
        }
    }
    assert!(broken.is_empty(), "{broken}");
}

#[test]
fn the_lists_name_what_is_there() {
    // A rim entry may come before its file; a grant or an excuse may not outlive it.
    let sources = sources();
    let is_there = |path: &str| sources.iter().any(|source| source.path == path);
    let gone = LONG.iter().filter(|path| !is_there(path)).collect::<Vec<_>>();
    assert!(gone.is_empty(), "no longer there: {gone:?}");
    for (name, folder) in CRATES {
        let manifest = read(&root().join(folder).join("Cargo.toml"));
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{folder} is not {name}");
    }
}

/// One source file.
struct Source {
    /// From the root, with `/` between.
    path: String,
    text: String,
}

impl Source {
    /// Whether users get this code, rather than tests and benches.
    fn is_shipped(&self) -> bool {
        self.path.starts_with("crates/") && self.path.contains("/src/")
    }

    fn is_in(&self, place: &str) -> bool {
        self.path == place || (place.ends_with('/') && self.path.starts_with(place))
    }

    /// The lines of code with their numbers: no comments, no tests at the end.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let tests = self.text.lines().position(|line| line == "#[cfg(test)]");
        self.all_code().take_while(move |(number, _)| tests.is_none_or(|at| *number <= at))
    }

    /// The lines of code with their numbers, those of tests too.
    fn all_code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = (1..).zip(self.text.lines());
        lines
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
            .map(|(number, line)| (number, line.split(" // ").next().unwrap_or(line)))
    }
}

/// Whether `line` holds `word`, and not as a part of a longer one.
fn says(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let begins = !before.is_some_and(part) || !word.starts_with(part);
        let ends = !after.is_some_and(part) || !word.ends_with(part);
        begins && ends
    })
}

/// The crates of this project in a manifest's tables of dependencies.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut inside = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(table) = line.strip_prefix('[') {
            inside = table.contains("dependencies]") && !table.starts_with("workspace");
        } else if inside {
            let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
            if name == "hopline" || name.starts_with("hopline-") {
                found.push(name.to_owned());
            }
        }
    }
    found
}

fn paths_where(broken: impl Fn(&Source) -> bool) -> String {
    let paths = sources().into_iter().filter(broken).map(|source| source.path);
    paths.fold(String::new(), |text, path| text + &path + "\n")
}

/// All Rust files of the project but this one, which has to spell what it forbids.
/// The failures of which a simulated mesh of brains has a test that bears its number.
const SIMULATED: &[std::ops::RangeInclusive<u32>] =
    &[10..=10, 12..=34, 36..=48, 53..=55, 59..=60, 71..=71, 75..=75, 77..=80];

/// Those that are shown elsewhere: over networks that others have drawn, by the one who dials, by a file with mistakes.
const ELSEWHERE: &[(u32, &str)] = &[
    (11, "tests/real/simulated.rs"),
    (35, "crates/core/tests/it/away.rs"),
    (76, "tests/processes/applied.rs"),
];

#[test]
fn every_scenario_has_a_test_that_bears_its_number() {
    let mut borne: Vec<(u32, String)> = Vec::new();
    for source in sources() {
        for line in source.text.lines() {
            let Some((_, name)) = line.split_once("fn scenario_") else { continue };
            let numbers = name.split('_').map_while(|part| part.parse().ok());
            borne.extend(numbers.map(|number| (number, source.path.clone())));
        }
    }
    let lacks = |number: &u32, place: &str| {
        !borne.iter().any(|(it, path)| it == number && path.starts_with(place))
    };
    let simulated = SIMULATED.iter().cloned().flatten();
    let mut missing: Vec<u32> = simulated.filter(|it| lacks(it, "crates/testkit/tests")).collect();
    missing.extend(ELSEWHERE.iter().filter(|(it, place)| lacks(it, place)).map(|(it, _)| it));
    assert!(missing.is_empty(), "no test is called `scenario_N_...` for {missing:?}");
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    for folder in ["crates", "tests", "benches"] {
        walk(&root().join(folder), &mut found);
    }
    found.retain(|source| source.path != "tests/fences.rs");
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 20, "the sources are not where they should be");
    found
}

fn walk(folder: &Path, found: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.expect("a folder of the project can be listed").path();
        if path.is_dir() {
            let name = path.file_name().unwrap_or_default();
            if name != "target" && !name.to_string_lossy().starts_with('.') {
                walk(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = read(&path);
            let path = path.strip_prefix(root()).expect("it is below the root");
            let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
            found.push(Source { path: parts.join("/"), text });
        }
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
