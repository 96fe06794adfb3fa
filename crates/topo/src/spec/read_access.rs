//! The table `[access]`: rules, in the order in which they are asked.

use super::AccessSpec;
use super::format::{self, Table};
use super::reader::{Key, Reader, Value, entries};

/// The rules of `[[access.attach]]`, and those of `[[access.send]]`.
pub(super) fn access(
    reader: &mut Reader,
    key: &Key,
    value: Value<'_>,
) -> (Vec<AccessSpec>, Vec<AccessSpec>) {
    let (mut attach, mut send) = (Vec::new(), Vec::new());
    let table = reader.table(key, "[[access.attach]]", value);
    for (key, value) in table.map(entries).unwrap_or_default() {
        match key.value.as_str() {
            "attach" => attach = rules(reader, &key, "[[access.attach]]", value, &format::ATTACH),
            "send" => send = rules(reader, &key, "[[access.send]]", value, &format::SEND),
            _ => reader.unknown_key(&key, value, format::ACCESS.title, &format::ACCESS),
        }
    }
    (attach, send)
}

fn rules(
    reader: &mut Reader,
    key: &Key,
    header: &str,
    value: Value<'_>,
    table: &Table,
) -> Vec<AccessSpec> {
    let mut rules = Vec::new();
    for (place, keys) in reader.tables(key, header, value) {
        let mut rule = AccessSpec { place, ..AccessSpec::default() };
        for (key, value) in entries(keys) {
            match key.value.as_str() {
                "allow" => {
                    rule.allow = reader.text_or_texts(&key, value);
                    rule.misread |= rule.allow.is_none();
                }
                "deny" => {
                    rule.deny = reader.text_or_texts(&key, value);
                    rule.misread |= rule.deny.is_none();
                }
                "at" if table.key("at").is_some() => rule.at = reader.text_or_texts(&key, value),
                "to" if table.key("to").is_some() => rule.to = reader.text_or_texts(&key, value),
                _ => reader.unknown_key(&key, value, table.title, table),
            }
        }
        rules.push(rule);
    }
    rules
}
