//! The tables `[[expect]]`.

use super::ExpectSpec;
use super::format;
use super::reader::{Key, Reader, Value, entries};

pub(super) fn expects(reader: &mut Reader, key: &Key, value: Value<'_>) -> Vec<ExpectSpec> {
    let mut specs = Vec::new();
    for (at, table) in reader.tables(key, "[[expect]]", value) {
        let mut spec = ExpectSpec { at: at.clone(), ..ExpectSpec::default() };
        let (mut has_from, mut has_to) = (false, false);
        for (key, value) in entries(table) {
            match key.value.as_str() {
                "name" => spec.name = reader.text(&key, value),
                "from" => {
                    has_from = true;
                    spec.from = reader.text(&key, value);
                }
                "to" => {
                    has_to = true;
                    spec.to = reader.text(&key, value);
                }
                "path" => {
                    let nodes = ("a list of nodes", "[\"a\", \"b\"]");
                    spec.path = reader.whole_texts(&key, nodes, value);
                }
                "via" => spec.via = reader.text_or_texts(&key, value),
                "avoids" => spec.avoids = reader.text_or_texts(&key, value),
                "max_hops" => spec.max_hops = reader.integer(&key, value),
                "max_cost" => spec.max_cost = reader.integer(&key, value),
                "unreachable" => spec.unreachable = reader.boolean(&key, value),
                "reason" => spec.reason = reader.text(&key, value),
                "after" => after(reader, &mut spec, &key, value),
                "survives" => spec.survives = reader.integer(&key, value),
                _ => reader.unknown_key(&key, value, format::EXPECT.title, &format::EXPECT),
            }
        }
        if !has_from {
            reader.missing_key("from", format::EXPECT.title, &at, "from = \"...\"");
        }
        if !has_to {
            reader.missing_key("to", format::EXPECT.title, &at, "to = \"...\"");
        }
        specs.push(spec);
    }
    specs
}

fn after(reader: &mut Reader, spec: &mut ExpectSpec, at: &Key, value: Value<'_>) {
    let Some(table) = reader.table(at, "after = { down = [...] }", value) else {
        return;
    };
    let mut says = false;
    for (key, value) in entries(table) {
        match key.value.as_str() {
            "down" => {
                says = true;
                spec.down = reader.text_or_texts(&key, value);
            }
            _ => reader.unknown_key(&key, value, format::AFTER.title, &format::AFTER),
        }
    }
    if !says {
        reader.missing_key("down", format::AFTER.title, &at.span, "down = [\"a--b\"]");
    }
}
