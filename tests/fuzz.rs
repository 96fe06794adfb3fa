//! The entry points of the fuzz targets as property tests: what fuzzing has found, bent at random, and
//! bytes of any kind. Those of the gate are tests of hopline-core.

#[path = "../fuzz/entries.rs"]
#[expect(unreachable_pub, reason = "it is the library of the fuzz targets too")]
mod entries;

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::{Index, select};

type Entry = fn(&[u8]);

const ENTRIES: [(&str, Entry); 6] = [
    ("envelope", entries::envelope),
    ("control", entries::control),
    ("brain", entries::brain),
    ("json", entries::json),
    ("topology", entries::topology),
    ("import", entries::import),
];

/// The files of a folder, of which there are some.
fn files(folder: &str) -> Vec<Vec<u8>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let listed = fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut paths: Vec<_> = listed.map(|file| file.expect("listed").path()).collect();
    paths.retain(|path| path.is_file());
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", dir.display());
    paths.iter().map(|path| fs::read(path).expect("a file")).collect()
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let mut corpus = files(&format!("fuzz/corpus/{name}"));
    if name == "topology" {
        corpus.extend(files("topologies"));
        corpus.extend(files("topologies/invalid"));
    }
    corpus
}

/// One change of a text: another byte, a byte less, or a part of another seed.
#[derive(Debug, Clone)]
enum Change {
    Set(Index, u8),
    Cut(Index, Index),
    Insert(Index, Vec<u8>),
}

fn bend(mut bytes: Vec<u8>, changes: Vec<Change>) -> Vec<u8> {
    for change in changes {
        let length = bytes.len();
        let within = |index: &Index| index.index(length + 1);
        match change {
            Change::Set(at, byte) => match bytes.get_mut(within(&at)) {
                Some(there) => *there = byte,
                None => bytes.push(byte),
            },
            Change::Cut(from, to) => {
                let (from, to) = (within(&from), within(&to));
                bytes.drain(from.min(to)..from.max(to));
            }
            Change::Insert(at, part) => {
                bytes.splice(within(&at)..within(&at), part);
            }
        }
    }
    bytes
}

fn bent(name: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let seeds = corpus(name);
    let part =
        (select(seeds.clone()), any::<Index>(), any::<Index>()).prop_map(|(seed, from, to)| {
            let (from, to) = (from.index(seed.len() + 1), to.index(seed.len() + 1));
            seed[from.min(to)..from.max(to)].to_vec()
        });
    let change = prop_oneof![
        4 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Change::Cut(from, to)),
        2 => (any::<Index>(), part).prop_map(|(at, part)| Change::Insert(at, part)),
    ];
    let changed = (select(seeds), prop::collection::vec(change, 0..5));
    prop_oneof![
        5 => changed.prop_map(|(seed, changes)| bend(seed, changes)),
        1 => prop::collection::vec(any::<u8>(), 0..500),
    ]
}

#[test]
fn what_fuzzing_found_holds() {
    for (name, entry) in ENTRIES {
        for seed in corpus(name) {
            entry(&seed);
        }
    }
}

/// Each target of `fuzz/` is here or in hopline-core, and has a corpus.
#[test]
fn every_target_is_a_property_test_too() {
    let of_core = ["accepted", "dialled", "walker"];
    let mut here: Vec<&str> = ENTRIES.iter().map(|(name, _)| *name).chain(of_core).collect();
    here.sort_unstable();
    let names = |folder: &str| {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let listed = fs::read_dir(dir).expect("a folder");
        let stem = |file: fs::DirEntry| Some(file.path().file_stem()?.to_str()?.to_owned());
        let mut names: Vec<String> = listed.filter_map(|file| stem(file.ok()?)).collect();
        names.sort();
        names
    };
    assert_eq!(names("fuzz/targets"), here);
    assert_eq!(names("fuzz/corpus"), here);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn envelopes_are_read_as_they_are_written(bytes in bent("envelope")) {
        entries::envelope(&bytes);
    }

    #[test]
    fn words_between_nodes_are_read_as_they_are_written(bytes in bent("control")) {
        entries::control(&bytes);
    }

    #[test]
    fn a_brain_that_is_fed_anything_keeps_to_its_connections(bytes in bent("brain")) {
        entries::brain(&bytes);
    }

    #[test]
    fn whatever_a_json_client_sends_comes_out_as_json(bytes in bent("json")) {
        entries::json(&bytes);
    }

    #[test]
    fn a_topology_is_one_or_has_mistakes(bytes in bent("topology")) {
        entries::topology(&bytes);
    }

    #[test]
    fn what_is_imported_is_a_topology(bytes in bent("import")) {
        entries::import(&bytes);
    }
}
