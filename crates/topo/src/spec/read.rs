//! The tables of a topology file, one function each.
//!
//! A new key is an arm of its table's `match`, a field of its spec, and a word of its list.

use toml::de::{DeTable, DeValue};

use super::include::INCLUDE;
use super::reader::{Key, Reader, Value, entries};
use super::{At, MeshSpec, NodeSpec, PairSpec, RoutesSpec, Spec, UpstreamSpec};
use crate::codes;
use crate::diagnostic::{Diagnostic, Span};
use crate::syntax::Broken;

const TABLES: &[&str] = &[INCLUDE, "mesh", "nodes", "clients", "routes", "lints"];
const MESH: &[&str] = &["name", "hop_limit", "key_file", "open", "duplicate", "dialects"];
const NODE: &[&str] = &["bind", "address", "upstream", "dialects", "host"];
const LINTS: &[&str] = &["allow"];
const UPSTREAM: &[&str] = &["node", "cost"];

/// Reads the file's tree; `broken` is what of the file is not in it.
pub(super) fn read(root: &DeTable<'_>, broken: &Broken) -> (Spec, Vec<Diagnostic>) {
    let mut reader = Reader::default();
    let mut spec = Spec::default();
    let (mut mesh_key, mut has_nodes) = (None, false);
    for (key, value) in entries(root) {
        match key.value.as_str() {
            "mesh" => {
                mesh_key = Some(key.span.clone());
                if let Some(table) = reader.table(&key, "[mesh]", value) {
                    spec.mesh = mesh(&mut reader, &key, table, broken);
                }
            }
            "nodes" => {
                has_nodes = true;
                spec.nodes = nodes(&mut reader, &key, value);
            }
            "clients" => spec.clients = pairs(&mut reader, &key, "[clients]", value),
            "routes" => spec.routes = routes(&mut reader, &key, value),
            "lints" => spec.allow = lints(&mut reader, &key, value),
            _ => reader.unknown_key(&key, value, "a topology file", TABLES),
        }
    }
    // Where nothing could be read, nothing is known to be missing.
    if root.is_empty() && !broken.is_empty() {
        return (spec, reader.problems);
    }
    if mesh_key.is_none() && !broken.mentions("mesh") {
        reader.missing_key("[mesh]", "the file", &(0..0), "[mesh]` with a `name = \"...\"");
    }
    if !has_nodes && !broken.mentions("nodes") {
        no_nodes(&mut reader, &mesh_key.unwrap_or(0..0));
    }
    (spec, reader.problems)
}

fn mesh(reader: &mut Reader, at: &Key, table: &DeTable<'_>, broken: &Broken) -> MeshSpec {
    let mut spec = MeshSpec::default();
    let mut named = false;
    for (key, value) in entries(table) {
        match key.value.as_str() {
            "name" => {
                named = true;
                spec.name = reader.text(&key, value);
            }
            "hop_limit" => spec.hop_limit = reader.integer(&key, value),
            "key_file" => spec.key_file = reader.text(&key, value),
            "open" => {
                // One that is not understood is no second mistake at each node that needs it.
                let open = reader.boolean(&key, value);
                let (value, span) = (true, value.span());
                spec.open = open.or(Some(At { value, span }));
            }
            "duplicate" => spec.duplicate = reader.text(&key, value),
            "dialects" => spec.dialects = reader.texts(&key, value),
            _ => reader.unknown_key(&key, value, "`[mesh]`", MESH),
        }
    }
    if !named && !broken.mentions("name") {
        reader.missing_key("name", "`[mesh]`", &at.span, "name = \"...\"");
    }
    spec
}

fn nodes(reader: &mut Reader, key: &Key, value: Value<'_>) -> Vec<NodeSpec> {
    let Some(table) = reader.table(key, "[nodes.NAME]", value) else {
        return Vec::new();
    };
    if table.is_empty() {
        no_nodes(reader, &key.span);
    }
    let tables = entries(table).into_iter();
    tables.map(|(name, value)| node(reader, name, value)).collect()
}

fn no_nodes(reader: &mut Reader, span: &Span) {
    let problem = Diagnostic::error(codes::NO_NODES, "the mesh has no nodes")
        .label(span, "no node is declared")
        .help("declare one: `[nodes.NAME]`");
    reader.problems.push(problem);
}

/// A node is declared even where its table is none, so that what names it is no second mistake.
fn node(reader: &mut Reader, name: Key, value: Value<'_>) -> NodeSpec {
    let header = format!("[nodes.{}]", name.value);
    let table = reader.table(&name, &header, value);
    let place = format!("`{header}`");
    let mut spec = NodeSpec {
        name,
        bind: None,
        address: None,
        upstream: Vec::new(),
        dialects: None,
        host: None,
    };
    for (key, value) in table.map(entries).unwrap_or_default() {
        match key.value.as_str() {
            "bind" => spec.bind = reader.text(&key, value),
            "address" => spec.address = reader.text(&key, value),
            "upstream" => spec.upstream = upstreams(reader, &key, value),
            "dialects" => spec.dialects = reader.texts(&key, value),
            "host" => spec.host = reader.text(&key, value),
            _ => reader.unknown_key(&key, value, &place, NODE),
        }
    }
    spec
}

/// A name, or a list of names and of tables.
fn upstreams(reader: &mut Reader, key: &Key, value: Value<'_>) -> Vec<UpstreamSpec> {
    let items = match value.get_ref() {
        DeValue::Array(items) => items.iter().collect(),
        _ => vec![value],
    };
    let mut specs = Vec::new();
    for item in items {
        match item.get_ref() {
            DeValue::String(name) => specs.push(UpstreamSpec {
                node: At { value: name.to_string(), span: item.span() },
                cost: None,
            }),
            DeValue::Table(table) => specs.extend(upstream(reader, item, table)),
            _ => {
                let expected = "names of nodes or tables such as `{ node = \"top\", cost = 5 }`";
                let _: Option<()> = reader.wrong_type(key, expected, "[\"...\"]", item);
            }
        }
    }
    specs
}

fn upstream(reader: &mut Reader, item: Value<'_>, table: &DeTable<'_>) -> Option<UpstreamSpec> {
    let (mut node, mut cost, mut named) = (None, None, false);
    for (key, value) in entries(table) {
        match key.value.as_str() {
            "node" => {
                named = true;
                node = reader.text(&key, value);
            }
            "cost" => cost = reader.integer(&key, value),
            _ => reader.unknown_key(&key, value, "an upstream", UPSTREAM),
        }
    }
    if !named {
        reader.missing_key("node", "an upstream", &item.span(), "node = \"...\"");
    }
    Some(UpstreamSpec { node: node?, cost })
}

fn routes(reader: &mut Reader, key: &Key, value: Value<'_>) -> Vec<RoutesSpec> {
    let Some(table) = reader.table(key, "[routes.NODE]", value) else {
        return Vec::new();
    };
    let mut specs = Vec::new();
    for (node, value) in entries(table) {
        let header = format!("[routes.{}]", node.value);
        let routes = pairs(reader, &node, &header, value);
        specs.push(RoutesSpec { node, routes });
    }
    specs
}

/// The table `[lints]`, which holds `[lints.allow]` and nothing else.
fn lints(reader: &mut Reader, key: &Key, value: Value<'_>) -> Vec<PairSpec> {
    let mut allow = Vec::new();
    for (key, value) in reader.table(key, "[lints.allow]", value).map(entries).unwrap_or_default() {
        match key.value.as_str() {
            "allow" => allow = pairs(reader, &key, "[lints.allow]", value),
            _ => reader.unknown_key(&key, value, "`[lints]`", LINTS),
        }
    }
    allow
}

/// A table whose keys are free and whose values are texts.
fn pairs(reader: &mut Reader, key: &Key, header: &str, value: Value<'_>) -> Vec<PairSpec> {
    let Some(table) = reader.table(key, header, value) else {
        return Vec::new();
    };
    let mut pairs = Vec::new();
    for (key, value) in entries(table) {
        let value = reader.text(&key, value);
        pairs.push(PairSpec { key, value });
    }
    pairs
}
