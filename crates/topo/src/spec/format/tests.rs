//! The description, the reader and the manual agree.

use std::collections::BTreeSet;

use super::*;

/// All tables, each with the header or value that holds it.
fn tables() -> Vec<&'static Table> {
    let mut tables: Vec<&'static Table> = vec![&FILE];
    let mut next = 0;
    while let Some(table) = tables.get(next) {
        next += 1;
        let inner: Vec<&'static Table> = table
            .keys()
            .filter_map(|key| match key.kind {
                Kind::Table(inner) | Kind::Named(inner) | Kind::Tables(inner) => Some(inner),
                Kind::Upstreams => Some(&UPSTREAM),
                _ => None,
            })
            .collect();
        for table in inner {
            if !tables.iter().any(|known| known.title == table.title) {
                tables.push(table);
            }
        }
    }
    tables
}

#[test]
fn dialects_are_those_that_nodes_speak() {
    assert_eq!(DIALECTS, hopline_mesh::dialect::Dialect::ALL.map(|dialect| dialect.name()));
}

#[test]
fn no_table_has_a_key_twice() {
    for table in tables() {
        let names: BTreeSet<&str> = table.names().into_iter().collect();
        assert_eq!(names.len(), table.names().len(), "{}", table.title);
    }
}

#[test]
fn the_reader_reads_every_key() {
    // A date is no good under any key: one that is not told of is not read.
    for (holder, table) in [
        ("[mesh]\n", &MESH),
        ("[defaults]\n", &DEFAULTS),
        ("[groups.g]\n", &GROUP),
        ("[nodes.n]\n", &NODE),
        ("[nodes.n.limits]\n", &LIMITS),
        ("[nodes.n.upstream]\n", &UPSTREAM),
        ("[[links]]\n", &LINK),
        ("[[trees]]\n", &TREE),
        ("[[trees]]\n[[trees.levels]]\n", &LEVEL),
        ("[services.s]\n", &SERVICE),
        ("[access]\n", &ACCESS),
        ("[[access.attach]]\n", &ATTACH),
        ("[[access.send]]\n", &SEND),
        ("[[expect]]\n", &EXPECT),
        ("[[expect]]\n[expect.after]\n", &AFTER),
    ] {
        for key in table.names() {
            let text = format!("{holder}{key} = 2020-01-01\n");
            let problems = crate::parse("m.toml", &text).unwrap_err();
            let told = |code| problems.errors().any(|error| error.code == code);
            assert!(told(crate::codes::WRONG_TYPE), "{text}\n{problems}");
            assert!(!told(crate::codes::UNKNOWN_KEY), "{text}\n{problems}");
        }
    }
}

#[test]
fn the_manual_names_every_key() {
    let manual = include_str!("../../../../../docs/topology-files.md");
    let mut missing = Vec::new();
    for table in tables() {
        for key in table.names() {
            let named = format!("`{key}`");
            let header = format!("[{key}");
            if !manual.contains(&named) && !manual.contains(&header) {
                missing.push(format!("{}: {key}", table.title));
            }
        }
    }
    assert_eq!(missing, [""; 0], "docs/topology-files.md does not name these");
}
