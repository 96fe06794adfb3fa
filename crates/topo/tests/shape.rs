//! What is worth knowing of a mesh's shape, and what a file allows.

use std::fmt::Write as _;

use hopline_topo::{Diagnostic, Loaded, codes, parse, render};

/// A mesh of nodes, each with its upstreams.
fn text(nodes: &[(&str, &str)]) -> String {
    let mut text = "[mesh]\nname = \"office\"\n".to_owned();
    for (name, upstream) in nodes {
        let _ = writeln!(text, "[nodes.{name}]\nupstream = [{upstream}]");
    }
    text
}

fn read(text: &str) -> Loaded {
    parse("office.toml", text).unwrap_or_else(|problems| panic!("{problems}"))
}

fn codes_of(found: &[Diagnostic]) -> Vec<&'static str> {
    found.iter().map(|found| found.code).collect()
}

#[test]
fn a_ring_hangs_on_no_node_and_no_link() {
    let ring = read(&text(&[("a", "\"d\""), ("b", "\"a\""), ("c", "\"b\""), ("d", "\"c\"")]));
    assert_eq!((ring.notes, ring.diameter), (Vec::new(), Some(2)));
    let one = read(&text(&[("a", "")]));
    assert_eq!((one.notes, one.diameter), (Vec::new(), Some(0)));
}

#[test]
fn the_worst_come_first_and_few_are_shown() {
    // Two rings of three that hang together by a line, and nodes that hang on one of them.
    let loaded = read(&text(&[
        ("a1", "\"a2\", \"a3\""),
        ("a2", "\"a3\""),
        ("a3", "\"between\""),
        ("between", "\"b1\""),
        ("b1", "\"b2\", \"b3\""),
        ("b2", "\"b3\""),
        ("b3", ""),
        ("leaf1", "\"b3\""),
        ("leaf2", "\"b3\""),
        ("leaf3", "\"b3\""),
    ]));
    assert_eq!(loaded.diameter, Some(5));
    insta::assert_snapshot!("hanging", render(&loaded.source, &loaded.notes, false));
}

#[test]
fn each_part_of_a_mesh_that_is_not_one_hangs_together_by_itself() {
    let loaded =
        read(&text(&[("a", "\"b\""), ("b", "\"c\""), ("c", ""), ("x", "\"y\""), ("y", "")]));
    assert_eq!(codes_of(&loaded.warnings), [codes::UNREACHABLE_NODE]);
    assert_eq!(loaded.diameter, Some(2));
    let help: Vec<_> = loaded.notes.iter().map(|note| note.help.clone().unwrap()).collect();
    assert!(
        help.iter().any(|help| help.starts_with("when `b` fails, 1 node is cut off")),
        "{help:?}"
    );
}

#[test]
fn the_diameter_is_that_of_the_best_ways_not_the_shortest() {
    let mut dear = text(&[("a", "\"b\""), ("b", "\"c\""), ("c", "")]);
    assert_eq!(read(&dear).diameter, Some(2));
    dear.push_str("[nodes.d]\nupstream = [\"c\", { node = \"a\", cost = 50 }]\n");
    assert_eq!(read(&dear).diameter, Some(3), "the dear link is on no best way");
}

#[test]
fn a_line_of_ten_thousand_nodes_is_checked() {
    let mut line =
        "[mesh]\nname = \"line\"\nhop_limit = 255\n[nodes.n0]\n[nodes.island]\n".to_owned();
    for n in 1..10_000 {
        let _ = writeln!(line, "[nodes.n{n}]\nupstream = [\"n{}\"]", n - 1);
    }
    let loaded = read(&line);
    assert_eq!(loaded.diameter, Some(9_999));
    assert_eq!(
        codes_of(&loaded.everything()),
        [codes::HOP_LIMIT_BELOW_DIAMETER, codes::UNREACHABLE_NODE, codes::BRIDGE, codes::CUT_NODE]
    );
}

#[test]
fn what_is_allowed_is_not_told_but_kept_with_its_reason() {
    let mesh = text(&[("a", "\"b\""), ("b", "\"a\", \"c\""), ("c", "")]);
    let loaded = read(&mesh);
    assert_eq!(codes_of(&loaded.warnings), [codes::LINK_DECLARED_TWICE]);
    assert_eq!(codes_of(&loaded.notes), [codes::BRIDGE, codes::CUT_NODE]);
    let all = format!(
        "{mesh}[lints.allow]\nbridge = \"meant\"\ncut-node = \" known \"\nlink-declared-twice = \"x\"\n"
    );
    let loaded = read(&all);
    assert_eq!(loaded.everything(), []);
    let allowed: Vec<_> = loaded.allowed.iter().map(|a| (a.code, a.reason.as_str())).collect();
    let expected = [("bridge", "meant"), ("cut-node", "known"), ("link-declared-twice", "x")];
    assert_eq!(allowed, expected);
}

#[test]
fn what_allows_nothing_is_told_unless_that_is_allowed() {
    let mesh = text(&[("a", "")]);
    let needless = format!("{mesh}[lints.allow]\nbridge = \"x\"\n");
    assert_eq!(codes_of(&read(&needless).warnings), [codes::NEEDLESS_ALLOW]);
    let meant = format!("{needless}needless-allow = \"shared by several files\"\n");
    let loaded = read(&meant);
    assert_eq!(loaded.everything(), []);
    let counts: Vec<_> = loaded.allowed.iter().map(|a| (a.code, a.findings)).collect();
    assert_eq!(counts, [("bridge", 0), ("needless-allow", 1)]);
    let alone = format!("{mesh}[lints.allow]\nneedless-allow = \"x\"\n");
    assert_eq!(codes_of(&read(&alone).warnings), [codes::NEEDLESS_ALLOW]);
}

#[test]
fn no_error_can_be_allowed() {
    let mesh = text(&[("a", "\"x\"")]);
    let text = format!("{mesh}[lints.allow]\nunknown-node = \"x\"\nBridge = \"x\"\nq = 3\n");
    let problems = parse("office.toml", &text).unwrap_err();
    assert_eq!(
        codes_of(&problems.diagnostics),
        [
            codes::UNKNOWN_NODE,
            codes::UNKNOWN_LINT,
            codes::UNKNOWN_LINT,
            codes::UNKNOWN_LINT,
            codes::WRONG_TYPE
        ]
    );
    insta::assert_snapshot!("bad-allows", problems.to_string());
}
