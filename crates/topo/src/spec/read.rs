//! The tables of a topology file, one function each; those about nodes are in `read_nodes`, those of
//! what is wished for in `read_expects`, access rules in `read_access`.
//!
//! A new key is an arm of its table's `match`, a field of its spec, and a line of [`format`].

use toml::de::{DeTable, DeValue};

use super::format::Kind;
use super::reader::{Key, Reader, Value, entries};
use super::{At, ListSpec, MeshSpec, PairSpec, RoutesSpec, ScalarSpec, ServiceSpec, Spec};
use super::{format, read_access, read_expects, read_nodes};
use crate::diagnostic::Diagnostic;

/// Reads the file's tree.
pub(super) fn read(root: &DeTable<'_>) -> (Spec, Vec<Diagnostic>) {
    let mut reader = Reader::default();
    let mut spec = Spec::default();
    for (key, value) in entries(root) {
        let reader = &mut reader;
        match key.value.as_str() {
            "mesh" => spec.mesh = mesh(reader, &key, value),
            "defaults" => spec.defaults = read_nodes::defaults(reader, &key, value),
            "groups" => spec.groups = read_nodes::groups(reader, &key, value),
            "nodes" => {
                spec.nodes = read_nodes::nodes(reader, &key, value);
                spec.nodes_at = Some(key.span);
            }
            "trees" => spec.trees = read_nodes::trees(reader, &key, value),
            "links" => spec.links = read_nodes::links(reader, &key, value),
            "services" => spec.services = services(reader, &key, value),
            "clients" => spec.clients = pairs(reader, &key, "[clients]", value),
            "client_groups" => spec.client_groups = lists(reader, &key, "[client_groups]", value),
            "routes" => spec.routes = routes(reader, &key, value),
            "access" => {
                (spec.attach, spec.send) = read_access::access(reader, &key, value);
            }
            "expect" => spec.expects = read_expects::expects(reader, &key, value),
            "lints" => spec.allow = lints(reader, &key, value),
            _ => reader.unknown_key(&key, value, format::FILE.title, &format::FILE),
        }
        let known = format::FILE.key(&key.value);
        spec.misread.extend(known.filter(|key| !is_of(key.kind, value)).map(|key| key.name));
    }
    (spec, reader.problems)
}

/// Whether a table of the file is one, or is a list of tables where there may be several.
fn is_of(kind: Kind, value: Value<'_>) -> bool {
    let is_table = |value: &DeValue<'_>| matches!(value, DeValue::Table(_));
    match (kind, value.get_ref()) {
        (Kind::Tables(_), DeValue::Array(items)) => items.iter().all(|i| is_table(i.get_ref())),
        (Kind::Texts, _) => true,
        (_, value) => is_table(value),
    }
}

fn mesh(reader: &mut Reader, at: &Key, value: Value<'_>) -> MeshSpec {
    let mut spec = MeshSpec { at: Some(at.span.clone()), ..MeshSpec::default() };
    let Some(table) = reader.table(at, "[mesh]", value) else {
        spec.named = true;
        return spec;
    };
    for (key, value) in entries(table) {
        match key.value.as_str() {
            "name" => {
                spec.named = true;
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
            "hello" | "link_silence" => {
                let value = reader.scalar(&key, value, Kind::Duration);
                spec.liveness.extend(value.map(|value| ScalarSpec { key, value }));
            }
            _ => reader.unknown_key(&key, value, format::MESH.title, &format::MESH),
        }
    }
    spec
}

/// The table `[lints]`, which holds `[lints.allow]` and nothing else.
fn lints(reader: &mut Reader, key: &Key, value: Value<'_>) -> Vec<PairSpec> {
    let mut allow = Vec::new();
    for (key, value) in reader.table(key, "[lints.allow]", value).map(entries).unwrap_or_default() {
        match key.value.as_str() {
            "allow" => allow = pairs(reader, &key, "[lints.allow]", value),
            _ => reader.unknown_key(&key, value, format::LINTS.title, &format::LINTS),
        }
    }
    allow
}

fn services(reader: &mut Reader, key: &Key, value: Value<'_>) -> Vec<ServiceSpec> {
    let table = reader.table(key, "[services.NAME]", value);
    let services = table.map(entries).unwrap_or_default().into_iter();
    services.map(|(name, value)| service(reader, name, value)).collect()
}

/// A service is declared even where its table is none, so that what names it is no second mistake.
fn service(reader: &mut Reader, name: Key, value: Value<'_>) -> ServiceSpec {
    let header = format!("[services.{}]", name.value);
    let place = format!("`{header}`");
    let table = reader.table(&name, &header, value);
    let mut placed = table.is_none();
    let mut spec = ServiceSpec { name, at: None, policy: None };
    for (key, value) in table.map(entries).unwrap_or_default() {
        match key.value.as_str() {
            "at" => {
                placed = true;
                spec.at = reader.text_or_texts(&key, value);
            }
            "policy" => spec.policy = reader.text(&key, value),
            _ => reader.unknown_key(&key, value, &place, &format::SERVICE),
        }
    }
    if !placed {
        reader.missing_key("at", &place, &spec.name.span, "at = [\"...\"]");
    }
    spec
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

/// A table whose keys are free and whose values are texts.
pub(super) fn pairs(
    reader: &mut Reader,
    key: &Key,
    header: &str,
    value: Value<'_>,
) -> Vec<PairSpec> {
    let table = reader.table(key, header, value);
    let lines = table.map(entries).unwrap_or_default().into_iter();
    let pairs = lines.map(|(key, value)| {
        let value = reader.text(&key, value);
        PairSpec { key, value }
    });
    pairs.collect()
}

/// A table whose keys are free and whose values are lists of texts.
fn lists(reader: &mut Reader, key: &Key, header: &str, value: Value<'_>) -> Vec<ListSpec> {
    let table = reader.table(key, header, value);
    let lines = table.map(entries).unwrap_or_default().into_iter();
    let lists = lines.map(|(key, value)| {
        let value = reader.text_or_texts(&key, value);
        ListSpec { key, value }
    });
    lists.collect()
}
