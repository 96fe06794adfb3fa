//! The format as a JSON Schema, for editors: made from the same description that the reader uses.

use serde_json::{Map, Value, json};

use crate::spec::format::{self, Key, Kind, REQUIRED, Table};

/// A node's name; with braces, a text that makes one or several.
const NAME: &str = r"^([A-Za-z0-9][A-Za-z0-9._-]*|.*[{].*[}].*)$";
const SIZE: &str = r"^[0-9]+(B|KiB|MiB|GiB)$";
const DURATION: &str = r"^[0-9]+([.][0-9]+)?(ms|s|m)$";
const RATE: &str = r"^[0-9]+([kMG]|[KMG]i)?B/s$|^[0-9]+[kMG]?bit/s$";
const ENDPOINT: &str = r"^((tcp|ipc|mem)://.+|.*[{].*[}].*)$";
const BIND: &str = r"^(auto|(tcp|ipc|mem)://.+|.*[{].*[}].*)$";
const COUNT: &str = r"^-?[0-9(].*$";

/// The JSON Schema (draft 2020-12) of topology files.
///
/// It holds what can be told from a single value: keys, types, words, patterns, least and greatest numbers.
/// What values mean together, such as whether a node that is named is declared, `check` alone tells.
///
/// # Examples
/// ```
/// let schema = hopline_topo::schema();
/// assert_eq!(schema["properties"]["mesh"]["properties"]["hop_limit"]["maximum"], 255);
/// ```
#[must_use]
pub fn schema() -> Value {
    let mut schema = table(&format::FILE);
    if let Some(object) = schema.as_object_mut() {
        let head = [
            ("$schema", json!("https://json-schema.org/draft/2020-12/schema")),
            ("title", json!("Hopline topology file")),
        ];
        object.extend(head.map(|(key, value)| (key.to_owned(), value)));
    }
    schema
}

fn table(table: &Table) -> Value {
    let properties: Map<String, Value> =
        table.keys().map(|key| (key.name.to_owned(), property(key))).collect();
    // Files that are included may hold what this one lacks.
    let is_file = std::ptr::eq(table, &raw const format::FILE);
    let required: Vec<&str> = table
        .keys()
        .filter(|key| key.default == REQUIRED && !is_file)
        .map(|key| key.name)
        .collect();
    let mut schema = json!({
        "type": "object",
        "description": table.means,
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn property(key: &Key) -> Value {
    let mut schema = kind(key.kind);
    let meant = match key.default {
        REQUIRED => key.means.to_owned(),
        default => format!("{} (default: {default})", key.means),
    };
    schema["description"] = json!(meant);
    schema
}

fn kind(kind: Kind) -> Value {
    let text = || json!({ "type": "string" });
    let pattern = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    let list = |items: Value| json!({ "type": "array", "items": items });
    let free = |values: Value| json!({ "type": "object", "additionalProperties": values });
    let texts = || json!({ "anyOf": [text(), list(text())] });
    match kind {
        Kind::Text => text(),
        Kind::Name => pattern(NAME),
        Kind::Truth => json!({ "type": "boolean" }),
        Kind::Whole(least, most) => match most {
            format::ANY => json!({ "type": "integer", "minimum": least }),
            most => json!({ "type": "integer", "minimum": least, "maximum": most }),
        },
        Kind::Word(words) => json!({ "enum": words }),
        Kind::Words(words) => {
            json!({ "type": "array", "items": { "enum": words }, "minItems": 1, "uniqueItems": true })
        }
        Kind::Texts => list(text()),
        Kind::TextOrTexts => texts(),
        Kind::Ends => {
            json!({ "type": "array", "items": pattern(NAME), "minItems": 2, "maxItems": 2 })
        }
        Kind::Bind => pattern(BIND),
        Kind::Endpoint => pattern(ENDPOINT),
        Kind::Position => {
            json!({ "type": "array", "items": { "type": "number" }, "minItems": 2, "maxItems": 2 })
        }
        Kind::Size(least) => {
            json!({ "anyOf": [{ "type": "integer", "minimum": least }, pattern(SIZE)] })
        }
        Kind::Duration => pattern(DURATION),
        Kind::Rate => pattern(RATE),
        Kind::Share => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        Kind::Count => {
            let one = json!({ "anyOf": [{ "type": "integer", "minimum": 1 }, pattern(COUNT)] });
            let many = json!({ "type": "object", "additionalProperties": one, "minProperties": 1 });
            json!({ "anyOf": [one, many] })
        }
        Kind::Upstreams => {
            let one = json!({ "anyOf": [pattern(NAME), table(&format::UPSTREAM)] });
            json!({ "anyOf": [one, list(one.clone())] })
        }
        Kind::Table(inner) => table(inner),
        Kind::Named(inner) => free(table(inner)),
        Kind::Tables(inner) => list(table(inner)),
        Kind::Pairs => free(text()),
        Kind::Reasons => free(pattern(r"\S")),
        Kind::Lists => free(texts()),
        Kind::PairsOf => free(free(text())),
    }
}
