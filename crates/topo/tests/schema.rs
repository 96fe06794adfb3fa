//! The JSON Schema agrees with the reader: good files pass, files with structural mistakes do not.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::path::{Path, PathBuf};

use boon::{Compiler, SchemaIndex, Schemas};
use hopline_topo::{codes, load, schema};
use serde_json::Value;

/// Codes of mistakes that a single value shows.
const STRUCTURAL: &[&str] = &[
    codes::BAD_COST,
    codes::BAD_HOP_LIMIT,
    codes::BAD_IMPAIRMENT,
    codes::BAD_LIMIT,
    codes::BAD_POSITION,
    codes::BAD_VALUE,
    codes::UNKNOWN_KEY,
    codes::WRONG_TYPE,
];

#[test]
fn every_topology_that_comes_with_hopline_passes() {
    let checker = Checker::new();
    let files = files("");
    assert!(!files.is_empty());
    for path in files {
        assert_eq!(checker.judge(&text(&path)), Ok(()), "{path:?}");
    }
}

#[test]
fn every_file_with_a_structural_mistake_is_refused() {
    let checker = Checker::new();
    let mut refused = 0;
    for path in files("invalid") {
        let Err(problems) = load(&path) else {
            continue;
        };
        if problems.errors().any(|error| STRUCTURAL.contains(&error.code)) {
            assert!(checker.judge(&text(&path)).is_err(), "{path:?}");
            refused += 1;
        }
    }
    assert!(refused >= 10, "only {refused} files have structural mistakes");
}

#[test]
fn what_the_schema_refuses_the_reader_refuses() {
    let checker = Checker::new();
    for path in files("invalid") {
        // A file that is no TOML has no tree to judge.
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        if toml::from_str::<Value>(&text).is_ok() && checker.judge(&text).is_err() {
            assert!(load(&path).is_err(), "{path:?}");
        }
    }
}

#[test]
fn edges_of_values_are_the_same_in_both() {
    let checker = Checker::new();
    for (line, is_good) in [
        ("limits = { frame = 524288 }", true),
        ("limits = { frame = 524287 }", false),
        ("limits = { window_bytes = \"64KiB\" }", true),
        ("limits = { window_bytes = \"64KB\" }", false),
        ("limits = { kept = \"8MiB\", flow_messages = 5, flow_bytes = 9 }", true),
        ("limits = { reserved = 31 }", false),
        ("limits = { handshake = \"1.5s\" }", true),
        ("limits = { handshake = \"5h\" }", false),
        ("limits = { handshake = 5 }", false),
        ("limits = { per_address = 100, ping = \"30s\", silence = \"1m\", stall = \"2m\" }", true),
        ("limits = { stall = 60 }", false),
        ("position = [1, 2.5]", true),
        ("position = [1]", false),
        ("position = [1, \"2\"]", false),
        ("upstream = { node = \"b\", loss = 1 }", true),
        ("upstream = { node = \"b\", loss = 1.1 }", false),
        ("upstream = { node = \"b\", rate = \"1Mbit/s\" }", true),
        ("upstream = { node = \"b\", rate = \"1Mb\" }", false),
        ("upstream = { node = \"b\", seed = 0 }", true),
        ("upstream = { node = \"b\", seed = -1 }", false),
        ("upstream = { node = \"b\", cost = 0 }", false),
        ("upstream = { cost = 1 }", false),
        ("upstream = [\"b\", { node = \"c\" }]", true),
        ("upstream = 3", false),
        ("dialects = [\"json\"]", true),
        ("dialects = []", false),
        ("dialects = [\"jsn\"]", false),
        ("bind = \"tcp:/x\"", false),
        ("label = 3", false),
    ] {
        let text = format!("[mesh]\nname = \"m\"\n[nodes.b]\n[nodes.c]\n[nodes.a]\n{line}\n");
        assert_eq!(checker.judge(&text).is_ok(), is_good, "schema: {line}");
        let read = hopline_topo::parse("m.toml", &text);
        assert_eq!(read.is_ok(), is_good, "reader: {line}");
    }
}

struct Checker {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Checker {
    fn new() -> Self {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource("topology.json", schema()).unwrap();
        let index = compiler.compile("topology.json", &mut schemas).unwrap();
        Self { schemas, index }
    }

    fn judge(&self, text: &str) -> Result<(), String> {
        let tree: Value = toml::from_str(text).map_err(|error| error.to_string())?;
        self.schemas.validate(&tree, self.index).map_err(|error| error.to_string())
    }
}

fn text(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()
}

fn files(below: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../topologies").join(below);
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|ext| ext == "toml")).collect();
    files.sort();
    files
}
