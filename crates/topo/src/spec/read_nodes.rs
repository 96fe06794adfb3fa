//! The tables that make nodes and links.

use toml::de::{DeTable, DeValue};

use super::format::{self, Kind};
use super::reader::{Key, Reader, Value, entries};
use super::{
    At, CountSpec, DefaultsSpec, GroupSpec, LevelSpec, LinkSpec, NodeKeys, NodeSpec, Scalar,
    ScalarSpec, Texts, TreeSpec, UpstreamSpec,
};
use crate::codes;
use crate::diagnostic::Diagnostic;

pub(super) fn defaults(reader: &mut Reader, key: &Key, value: Value<'_>) -> DefaultsSpec {
    let mut spec = DefaultsSpec::default();
    let table = reader.table(key, "[defaults]", value);
    for (key, value) in table.map(entries).unwrap_or_default() {
        match key.value.as_str() {
            "cost" => spec.cost = reader.integer(&key, value),
            _ if node_key(reader, &mut spec.keys, &key, value) => {}
            _ => reader.unknown_key(&key, value, format::DEFAULTS.title, &format::DEFAULTS),
        }
    }
    spec
}

pub(super) fn groups(reader: &mut Reader, key: &Key, value: Value<'_>) -> Vec<GroupSpec> {
    let table = reader.table(key, "[groups.NAME]", value);
    let groups = table.map(entries).unwrap_or_default().into_iter();
    let groups = groups.map(|(name, value)| {
        let header = format!("[groups.{}]", name.value);
        let table = reader.table(&name, &header, value);
        let mut keys = NodeKeys::default();
        for (key, value) in table.map(entries).unwrap_or_default() {
            if !node_key(reader, &mut keys, &key, value) {
                reader.unknown_key(&key, value, &format!("`{header}`"), &format::GROUP);
            }
        }
        GroupSpec { name, keys }
    });
    groups.collect()
}

pub(super) fn nodes(reader: &mut Reader, key: &Key, value: Value<'_>) -> Vec<NodeSpec> {
    let table = reader.table(key, "[nodes.NAME]", value);
    let tables = table.map(entries).unwrap_or_default().into_iter();
    tables.map(|(name, value)| node(reader, name, value)).collect()
}

/// A node is declared even where its table is none, so that what names it is no second mistake.
fn node(reader: &mut Reader, name: Key, value: Value<'_>) -> NodeSpec {
    let header = format!("[nodes.{}]", name.value);
    let table = reader.table(&name, &header, value);
    let mut spec = NodeSpec { name, count: None, keys: NodeKeys::default() };
    for (key, value) in table.map(entries).unwrap_or_default() {
        match key.value.as_str() {
            "count" => spec.count = count(reader, &key, value),
            _ if node_key(reader, &mut spec.keys, &key, value) => {}
            _ => reader.unknown_key(&key, value, &format!("`{header}`"), &format::NODE),
        }
    }
    spec
}

/// Counters, even where none could be read: the node is a template all the same.
fn count(reader: &mut Reader, key: &Key, value: Value<'_>) -> Option<CountSpec> {
    let counters = match value.get_ref() {
        DeValue::Table(table) => {
            if table.is_empty() {
                let problem =
                    Diagnostic::error(codes::BAD_TEMPLATE, "a `count` that counts nothing")
                        .label(&value.span(), "no counter in it")
                        .help("write `count = 4`, for example");
                reader.problems.push(problem);
            }
            entries(table)
        }
        _ => vec![(Key { value: "n".to_owned(), span: key.span.clone() }, value)],
    };
    let counters = counters.into_iter().filter_map(|(counter, value)| {
        // One that is of a wrong type is told under the key that the reader of the file sees.
        let told = if counter.span == key.span { key } else { &counter };
        let value = reader.scalar(told, value, Kind::Count)?;
        Some(ScalarSpec { key: counter, value })
    });
    Some(CountSpec { at: key.span.clone(), counters: counters.collect() })
}

/// Reads a key that every description of nodes may have; whether it is one.
fn node_key(reader: &mut Reader, keys: &mut NodeKeys, key: &Key, value: Value<'_>) -> bool {
    match key.value.as_str() {
        "groups" => keys.groups = reader.text_or_texts(key, value),
        "bind" => keys.bind = reader.text(key, value),
        "address" => keys.address = reader.text(key, value),
        "upstream" => keys.upstream = Some(upstreams(reader, key, value)),
        "dialects" => keys.dialects = reader.texts(key, value),
        "host" => keys.host = reader.text(key, value),
        "label" => keys.label = reader.text(key, value),
        "position" => keys.position = position(reader, key, value),
        "limits" => keys.limits = limits(reader, key, value),
        _ => return false,
    }
    true
}

fn position(reader: &mut Reader, key: &Key, value: Value<'_>) -> Option<At<Vec<At<Scalar>>>> {
    let DeValue::Array(items) = value.get_ref() else {
        return reader.wrong_type(key, "two numbers", "[-74.0, 40.7]", value);
    };
    let numbers = items.iter().map(|item| reader.scalar(key, item, Kind::Position));
    let numbers: Vec<Option<At<Scalar>>> = numbers.collect();
    let value_of = numbers.into_iter().collect::<Option<Vec<_>>>()?;
    Some(At { value: value_of, span: value.span() })
}

fn limits(reader: &mut Reader, key: &Key, value: Value<'_>) -> Vec<ScalarSpec> {
    let table = reader.table(key, "limits = { connections = 100 }", value);
    let mut limits = Vec::new();
    for (key, value) in table.map(entries).unwrap_or_default() {
        match format::LIMITS.key(&key.value) {
            Some(known) => {
                let value = reader.scalar(&key, value, known.kind);
                limits.extend(value.map(|value| ScalarSpec { key, value }));
            }
            None => reader.unknown_key(&key, value, format::LIMITS.title, &format::LIMITS),
        }
    }
    limits
}

/// What may be said of a link wherever links are described.
#[derive(Default)]
struct LinkKeys {
    cost: Option<At<i64>>,
    impairment: Vec<ScalarSpec>,
}

/// Reads a key that every description of links may have; whether it is one.
fn link_key(reader: &mut Reader, keys: &mut LinkKeys, key: &Key, value: Value<'_>) -> bool {
    match (key.value.as_str(), format::LINK.key(&key.value)) {
        ("cost", _) => keys.cost = reader.integer(key, value),
        ("latency" | "jitter" | "loss" | "rate" | "seed", Some(known)) => {
            let value = reader.scalar(key, value, known.kind);
            keys.impairment.extend(value.map(|value| ScalarSpec { key: key.clone(), value }));
        }
        // A truth stands among them as 0 or 1.
        ("cut", _) => {
            let cut = reader.boolean(key, value);
            keys.impairment.extend(cut.map(|cut| ScalarSpec {
                key: key.clone(),
                value: At { value: Scalar::Whole(cut.value.into()), span: cut.span },
            }));
        }
        _ => return false,
    }
    true
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
                impairment: Vec::new(),
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
    let (mut node, mut named, mut link) = (None, false, LinkKeys::default());
    for (key, value) in entries(table) {
        match key.value.as_str() {
            "node" => {
                named = true;
                node = reader.text(&key, value);
            }
            _ if link_key(reader, &mut link, &key, value) => {}
            _ => reader.unknown_key(&key, value, format::UPSTREAM.title, &format::UPSTREAM),
        }
    }
    if !named {
        reader.missing_key("node", "an upstream", &item.span(), "node = \"...\"");
    }
    Some(UpstreamSpec { node: node?, cost: link.cost, impairment: link.impairment })
}

pub(super) fn links(reader: &mut Reader, key: &Key, value: Value<'_>) -> Vec<LinkSpec> {
    let mut specs = Vec::new();
    for (at, table) in reader.tables(key, "[[links]]", value) {
        let (mut ends, mut ended, mut link): (Option<Texts>, _, _) =
            (None, false, LinkKeys::default());
        for (key, value) in entries(table) {
            match key.value.as_str() {
                "ends" => {
                    ended = true;
                    let two = ("a list of two nodes", "[\"a\", \"b\"]");
                    ends = reader.whole_texts(&key, two, value);
                }
                _ if link_key(reader, &mut link, &key, value) => {}
                _ => reader.unknown_key(&key, value, format::LINK.title, &format::LINK),
            }
        }
        if !ended {
            reader.missing_key("ends", format::LINK.title, &at, "ends = [\"...\", \"...\"]");
        }
        let LinkKeys { cost, impairment } = link;
        specs.extend(ends.map(|ends| LinkSpec { ends, cost, impairment }));
    }
    specs
}

/// The trees, each as far as it could be read.
pub(super) fn trees(reader: &mut Reader, key: &Key, value: Value<'_>) -> Vec<TreeSpec> {
    let mut specs = Vec::new();
    for (at, table) in reader.tables(key, "[[trees]]", value) {
        let (mut root, mut levels, mut has) = (None, None, (false, false));
        for (key, value) in entries(table) {
            match key.value.as_str() {
                "root" => {
                    has.0 = true;
                    root = reader.text(&key, value);
                }
                "levels" => {
                    has.1 = true;
                    let tables = reader.tables(&key, "levels = [{ names = \"...\" }]", value);
                    let read = tables.into_iter().map(|(at, table)| level(reader, &at, table));
                    levels = Some(read.collect::<Vec<Option<LevelSpec>>>());
                }
                _ => reader.unknown_key(&key, value, format::TREE.title, &format::TREE),
            }
        }
        if !has.0 {
            reader.missing_key("root", format::TREE.title, &at, "root = \"...\"");
        }
        if !has.1 {
            let example = "levels = [{ names = \"site-{n}\", fan_out = 3 }]";
            reader.missing_key("levels", format::TREE.title, &at, example);
        }
        // What stands below a level that is not understood cannot be made.
        let levels: Vec<Option<LevelSpec>> = levels.unwrap_or_default();
        let whole = root.is_some() && has.1 && levels.iter().all(Option::is_some);
        let levels = levels.into_iter().map_while(|level| level).collect();
        specs.push(TreeSpec { root, levels, whole });
    }
    specs
}

fn level(reader: &mut Reader, at: &super::Span, table: &DeTable<'_>) -> Option<LevelSpec> {
    let (mut names, mut fan_out, mut has) = (None, None, (false, false));
    let (mut keys, mut link) = (NodeKeys::default(), LinkKeys::default());
    for (key, value) in entries(table) {
        match key.value.as_str() {
            "names" => {
                has.0 = true;
                names = reader.text(&key, value);
            }
            "fan_out" => {
                has.1 = true;
                fan_out = reader.integer(&key, value);
            }
            _ if node_key(reader, &mut keys, &key, value) => {}
            _ if link_key(reader, &mut link, &key, value) => {}
            _ => reader.unknown_key(&key, value, format::LEVEL.title, &format::LEVEL),
        }
    }
    if !has.0 {
        reader.missing_key("names", format::LEVEL.title, at, "names = \"site-{n}\"");
    }
    if !has.1 {
        reader.missing_key("fan_out", format::LEVEL.title, at, "fan_out = 3");
    }
    let LinkKeys { cost, impairment } = link;
    Some(LevelSpec { names: names?, fan_out: fan_out?, keys, cost, impairment })
}
