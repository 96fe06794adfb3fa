//! Large files: read in time, and refused before anything large is made.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use hopline_topo::{MAX_FILE, codes, parse};

/// Far above what it takes, and far below what a search of all nodes for each node would.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn ten_thousand_written_nodes_fit_into_a_file() {
    let text = written(10_000);
    assert!((text.len() as u64) < MAX_FILE);
    let begun = Instant::now();
    let loaded = parse("m.toml", &text).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(loaded.topology.nodes().len(), 10_001);
    assert_eq!(loaded.topology.links().len(), 10_000);
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
}

#[test]
fn ten_thousand_made_nodes_are_as_many() {
    let text = "[mesh]\nname = \"m\"\nopen = true\n[nodes.\"spine-{n}\"]\ncount = 10\n\
                [nodes.\"leaf-{n}\"]\ncount = 9990\nbind = \"tcp://192.0.2.1:{6000+n}\"\n\
                upstream = [\"spine-{1..4}\"]\n";
    let begun = Instant::now();
    let loaded = parse("m.toml", text).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(loaded.topology.nodes().len(), 10_000);
    assert_eq!(loaded.topology.links().len(), 39_960);
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
}

#[test]
fn ten_thousand_mistakes_are_told_in_time() {
    let text = written(10_000).replace("upstream = [\"top\"]", "upstream = [\"tpo\"]");
    let begun = Instant::now();
    let problems = parse("m.toml", &text).unwrap_err();
    assert_eq!(problems.errors().count(), 10_000);
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
}

#[test]
fn what_is_too_much_is_counted_and_not_made() {
    let begun = Instant::now();
    for (tables, code) in [
        ("[nodes.\"a-{n}\"]\ncount = 1000000000\n", codes::TOO_MANY_NODES),
        ("[nodes.\"a-{n}\"]\ncount = 9223372036854775807\n", codes::TOO_MANY_NODES),
        (
            "[nodes.\"a-{n}\"]\ncount = \"-9223372036854775807..9223372036854775807\"\n",
            codes::TOO_MANY_NODES,
        ),
        (
            "[nodes.\"a-{n}\"]\ncount = { n = 9223372036854775807, m = 9223372036854775807 }\n",
            codes::TOO_MANY_NODES,
        ),
        (
            "[[trees]]\nroot = \"r\"\nlevels = [{ names = \"a-{n}\", fan_out = 9223372036854775807 }]\n",
            codes::TOO_MANY_NODES,
        ),
        ("[nodes.a]\nupstream = \"b-{1..9223372036854775807}\"\n", codes::TOO_MANY_LINKS),
        ("[nodes.a]\n[[links]]\nends = [\"b-{1..1000001}\", \"a\"]\n", codes::TOO_MANY_LINKS),
        ("[nodes.a]\n[services.s]\nat = [\"{1..999}.{1..9999}\"]\n", codes::TOO_MANY_LINKS),
        (
            "[nodes.\"a-{n}\"]\ncount = 100000\nupstream = \"b-{1..100000}\"\n[nodes.b-1]\n",
            codes::TOO_MANY_NODES,
        ),
    ] {
        let text = format!("[mesh]\nname = \"m\"\n{tables}");
        let problems = parse("m.toml", &text).unwrap_err();
        assert!(problems.errors().any(|error| error.code == code), "{tables}{problems}");
    }
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
}

fn written(count: usize) -> String {
    let mut text = "[mesh]\nname = \"m\"\nopen = true\n\n[nodes.top]\n".to_owned();
    for n in 0..count {
        let (a, b) = (n / 250, n % 250);
        let _ = write!(
            text,
            "\n[nodes.node-{n}]\nhost = \"machine-{n}\"\nlabel = \"Office number {n}\"\n\
             position = [{a}.5, {b}.25]\nbind = \"tcp://10.0.{a}.{b}:5555\"\n\
             address = \"tcp://machine-{n}.example.net:5555\"\nupstream = [\"top\"]\n"
        );
    }
    text
}
