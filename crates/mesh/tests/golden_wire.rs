//! The wire form, byte by byte: whatever changes it fails here.
//!
//! `golden/wire.txt` holds one block for each vector: its name, what it is, and its bytes in
//! hexadecimal. A vector is never changed, only added; a version that cannot keep to that has
//! another number.
#![expect(clippy::unwrap_used, reason = "the names in these tests are names")]

#[path = "golden/controls.rs"]
mod controls;
#[path = "golden/links.rs"]
mod links;
#[path = "golden/messages.rs"]
mod messages;

use std::collections::BTreeMap;
use std::fmt::{Debug, Write as _};

use bytes::Bytes;
use hopline_mesh::name::NodeName;
use hopline_mesh::wire::hello::{MeshKey, Role, Statement};
use hopline_mesh::wire::{Kind, Prefix, WireError};

const GOLDEN: &str = include_str!("golden/wire.txt");
const HEAD: &str = "The wire form of version 1. Each block: a name, what it is, its bytes.\n";

type Check = dyn Fn(&[u8]) -> Option<String>;

/// One vector: what it is, its bytes as this version writes them, and how they are read back.
struct Vector {
    name: String,
    meaning: &'static str,
    bytes: Bytes,
    /// Says what is wrong where these bytes do not read back as the value.
    check: Box<Check>,
}

fn vector<T: PartialEq + Debug + 'static>(
    name: &str,
    meaning: &'static str,
    value: T,
    write: impl Fn(&T) -> Bytes,
    read: impl Fn(&[u8]) -> Result<T, WireError> + 'static,
) -> Vector {
    Vector {
        name: name.to_owned(),
        meaning,
        bytes: write(&value),
        check: Box::new(move |bytes| {
            let got = read(bytes);
            (got.as_ref() != Ok(&value)).then(|| format!("{got:?} is not {value:?}"))
        }),
    }
}

fn node(name: &str) -> NodeName {
    NodeName::parse(name).unwrap()
}

/// All vectors, in the order of the file.
fn vectors() -> Vec<Vector> {
    [
        messages::prefixes(),
        vec![messages::tail(), messages::tail_of_a_sum(), messages::targets()],
        messages::paths(),
        links::hellos(),
        links::proofs(),
        links::floods(),
        messages::batches(),
        controls::controls(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The golden file as this version would write it.
fn written(vectors: &[Vector]) -> String {
    let mut text = HEAD.to_owned();
    for Vector { name, meaning, bytes, .. } in vectors {
        let _ = writeln!(text, "\n{name}: {meaning}");
        for line in bytes.chunks(32) {
            let hex: String = line.iter().map(|byte| format!("{byte:02x}")).collect();
            let _ = writeln!(text, "    {hex}");
        }
    }
    text
}

/// The bytes in the golden file, by name.
fn golden() -> BTreeMap<&'static str, Vec<u8>> {
    let mut all = BTreeMap::new();
    for block in GOLDEN.split("\n\n").skip(1) {
        let mut lines = block.lines();
        let (name, _) = lines.next().unwrap().split_once(": ").unwrap();
        let hex: String = lines.map(str::trim).collect();
        let octet = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        all.insert(name, (0..hex.len()).step_by(2).map(octet).collect());
    }
    all
}

#[test]
fn what_is_written_is_golden() {
    let written = written(&vectors());
    assert!(written == GOLDEN, "the wire form has changed; it would be:\n{written}");
}

#[test]
fn what_is_golden_reads_back() {
    let golden = golden();
    let vectors = vectors();
    assert_eq!(golden.len(), vectors.len());
    for Vector { name, check, .. } in vectors {
        if let Some(wrong) = check(&golden[name.as_str()]) {
            panic!("{name}: {wrong}");
        }
    }
}

#[test]
fn every_kind_has_a_vector() {
    let golden = golden();
    let kinds = golden.iter().filter(|(name, _)| name.starts_with("prefix "));
    let mut numbers: Vec<_> = kinds.map(|(_, bytes)| Prefix::read(bytes).unwrap().kind).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers, Kind::ALL);
}

#[test]
fn a_golden_proof_holds() {
    let golden = golden();
    let (east, top) = (node("east"), node("top"));
    let statement = Statement {
        mesh: "regions",
        dialer: &east,
        listener: &top,
        dialer_nonce: &[1; 32],
        listener_nonce: &[2; 32],
    };
    let key = MeshKey::new([7; 32]);
    let proof = |name: &str| golden[name].clone().try_into().unwrap();
    assert!(key.verify(Role::Dialer, &statement, &proof("proof dialer")));
    assert!(key.verify(Role::Listener, &statement, &proof("proof listener")));
    assert!(!key.verify(Role::Listener, &statement, &proof("proof dialer")));
}
