//! No text, however broken, makes reading it panic, and no report of it either.

use std::path::Path;

use hopline_topo::drawing::{Marks, dot, mermaid, tree};
use hopline_topo::{Plan, load, parse};
use proptest::prelude::*;

/// Words of topology files, to build texts that come far.
const WORDS: &[&str] = &[
    "[mesh]\n",
    "[nodes.a]\n",
    "[nodes.b]\n",
    "[nodes.\"c d\"]\n",
    "[clients]\n",
    "[routes.a]\n",
    "[[nodes]]\n",
    "[[access.attach]]\n",
    "[[access.send]]\n",
    "[access]\n",
    "allow = \"hex:\u{e9}*\"\n",
    "deny = [\"*\", \"x.*\"]\n",
    "at = \"{a..2}\"\n",
    "name = \"m\"\n",
    "name = ",
    "bind = \"auto\"\n",
    "bind = \"tcp://*:1\"\n",
    "address = \"tcp://h:1\"\n",
    "upstream = [\"a\"]\n",
    "upstream = \"b\"\n",
    "upstream = [",
    "{ node = \"a\", cost = 0 }",
    "{ node = \"b\", cost = 3 }",
    "hop_limit = 1\n",
    "open = true\n",
    "host = \"x\"\n",
    "host = \"y\"\n",
    "x = \"upstream\"\n",
    "\"x.*\" = \"a\"\n",
    "a = \"b\"\n",
    "]",
    "}",
    ",",
    "\"",
    "\"\"\"",
    "'''",
    "#",
    "\n",
    "=",
    ".",
    "[",
    "{",
    "\\",
    "\u{e9}",
    "\r",
    "\u{0}",
    "[defaults]\n",
    "[groups.g]\n",
    "[nodes.\"t-{n}\"]\n",
    "[[links]]\n",
    "[[trees]]\n",
    "[services.s]\n",
    "[client_groups]\n",
    "[routes.\"t-{1..3}\"]\n",
    "[[expect]]\n",
    "count = 3\n",
    "count = \"2..4\"\n",
    "count = { a = 2, n = \"0..1\" }\n",
    "count = 99999999999\n",
    "groups = [\"g\"]\n",
    "cost = 7\n",
    "bind = \"tcp://h:{6000+n}\"\n",
    "upstream = [\"t-{1..n-1}\"]\n",
    "ends = [\"a\", \"t-{1..3}\"]\n",
    "ends = [\"t-{1..3}\", \"t-{1..3}\"]\n",
    "root = \"a\"\n",
    "levels = [{ names = \"{parent}.{i}\", fan_out = 2 }, { names = \"x-{n}\", fan_out = 3 }]\n",
    "at = [\"a\", \"t-{1..2}\"]\n",
    "policy = \"balanced\"\n",
    "limits = { frame = \"1GiB\", handshake = \"5s\", frames = 3 }\n",
    "latency = \"5ms\"\n",
    "loss = 0.5\n",
    "rate = \"1Mbit/s\"\n",
    "position = [1, -2.5e9]\n",
    "label = \"{name}\"\n",
    "from = \"a\"\n",
    "to = \"b@a\"\n",
    "path = [\"a\", \"b\"]\n",
    "via = [\"a--b\"]\n",
    "avoids = [\"b\"]\n",
    "max_hops = 1\n",
    "unreachable = true\n",
    "after = { down = [\"b--a\"] }\n",
    "survives = 1\n",
    "{n",
    "{{",
    "{1..9223372036854775807}",
    "{n/0}",
    "nodes.a.bind = 1\n",
    "nodes = 3\n",
    "mesh = []\n",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text_is_read_without_panic(text in any::<String>()) {
        read(&text);
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mesh.toml");
        std::fs::write(&path, &bytes).unwrap();
        if let Err(problems) = load(&path) {
            prop_assert!(!problems.to_string().is_empty());
        }
    }

    #[test]
    fn any_mix_of_a_files_words_is_read_without_panic(
        words in proptest::collection::vec(proptest::sample::select(WORDS), 0..40),
    ) {
        read(&words.concat());
    }

    #[test]
    fn a_good_file_with_a_part_replaced_is_read_without_panic(
        which in 0_usize..4,
        from in 0_usize..2_000,
        length in 0_usize..40,
        put in proptest::sample::select(WORDS),
    ) {
        let names = ["regions", "dual-homed", "static-routes", "access"];
        let path = format!("{}/../../topologies/{}.toml", env!("CARGO_MANIFEST_DIR"), names[which]);
        let good = std::fs::read_to_string(Path::new(&path)).unwrap();
        let from = from % good.len();
        let to = (from + length).min(good.len());
        read(&[&good[..from], put, &good[to..]].concat());
    }
}

/// Reads `text`, and shows whatever comes of it.
fn read(text: &str) {
    match parse("mesh.toml", text) {
        Ok(loaded) => {
            let (topology, marks) = (&loaded.topology, Marks::default());
            let _ = (loaded.render(true), loaded.findings(), Plan::new(topology));
            let _ = (tree(topology, &marks), dot(topology, &marks), mermaid(topology, &marks));
        }
        Err(problems) => {
            assert!(problems.errors().count() > 0);
            let _ = (problems.render(true), problems.findings());
        }
    }
}
