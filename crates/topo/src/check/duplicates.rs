//! Keys and tables that stand in the file twice.
//!
//! The parser tells the second place only; the first is found by going through the lines above it.

use std::collections::HashMap;

use crate::codes;
use crate::diagnostic::{Diagnostic, Span};
use crate::syntax;

/// What the parser's complaints about repeated keys come to.
pub(super) fn describe(text: &str, errors: &[toml::de::Error]) -> Vec<Diagnostic> {
    let repeated: Vec<Span> = errors
        .iter()
        .filter(|error| syntax::is_duplicate(error))
        .filter_map(toml::de::Error::span)
        .collect();
    if repeated.is_empty() {
        return Vec::new();
    }
    let keys = keys(text);
    let mut firsts: HashMap<&[String], usize> = HashMap::new();
    for (index, key) in keys.iter().enumerate() {
        firsts.entry(&key.path).or_insert(index);
    }
    repeated.iter().map(|span| one(text, span, &keys, &firsts)).collect()
}

/// A key or table as it stands in the file.
struct Written {
    /// The names of the tables it is in, and its own.
    path: Vec<String>,
    span: Span,
    is_table: bool,
}

/// `keys` are in the text's order, and `firsts` tells which is the first of its path.
fn one(
    text: &str,
    span: &Span,
    keys: &[Written],
    firsts: &HashMap<&[String], usize>,
) -> Diagnostic {
    let before = keys.partition_point(|key| key.span.start <= span.start);
    let last = before.checked_sub(1).and_then(|index| keys.get(index));
    let again = last.filter(|key| span.end <= key.span.end);
    let first = again.and_then(|again| {
        let first = keys.get(*firsts.get(again.path.as_slice())?)?;
        (first.span.start < again.span.start).then_some(first)
    });
    let name = text.get(span.clone()).unwrap_or_default();
    let name = name.trim_matches(['"', '\'']);
    let path: Vec<&str> =
        again.map_or(Vec::new(), |again| again.path.iter().map(String::as_str).collect());
    let is_table = again.is_some_and(|again| again.is_table);
    let (code, message, help) = match path.as_slice() {
        ["nodes", node] => (
            codes::DUPLICATE_NAME,
            format!("the node `{node}` is declared twice"),
            "give one of them another name, or make the two one",
        ),
        ["clients", client] => (
            codes::DUPLICATE_NAME,
            format!("the client `{client}` is listed twice"),
            "take one of the two out: a client is planned at one node",
        ),
        path if is_table => (
            codes::DUPLICATE_KEY,
            format!("the table `{}` is written twice", header(path)),
            "put the keys of both under one",
        ),
        [tables @ .., key] if !tables.is_empty() => (
            codes::DUPLICATE_KEY,
            format!("`{key}` is written twice in `{}`", header(tables)),
            "take one of the two out",
        ),
        _ => {
            (codes::DUPLICATE_KEY, format!("`{name}` is written twice"), "take one of the two out")
        }
    };
    let problem = Diagnostic::error(code, message).label(span, "written again");
    match first {
        Some(first) => problem.label(&first.span, "first written here"),
        None => problem,
    }
    .help(help)
}

/// The header of a table at this path.
fn header(path: &[&str]) -> String {
    let part = |part: &&str| part.split('[').next().unwrap_or_default().to_owned();
    let names: Vec<String> = path.iter().map(part).collect();
    match path.last().is_some_and(|last| last.ends_with(']')) {
        true => format!("[[{}]]", names.join(".")),
        false => format!("[{}]", names.join(".")),
    }
}

/// The keys and tables that stand at the beginning of the text's lines.
fn keys(text: &str) -> Vec<Written> {
    let mut keys = Vec::new();
    let mut table: Vec<String> = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        let body = line.trim_start();
        let (written, is_table) = match body.strip_prefix('[') {
            Some(inner) => (inner.split(']').next().unwrap_or_default(), true),
            None => match body.split_once('=') {
                Some((key, _)) => (key.trim_end(), false),
                None => ("", false),
            },
        };
        if !written.is_empty() && !body.starts_with('#') {
            let many = written.starts_with('[');
            let written = written.trim_start_matches('[');
            let mut own: Vec<String> = written
                .split('.')
                .map(|part| part.trim().trim_matches(['"', '\'']).to_owned())
                .collect();
            if many && let Some(last) = own.last_mut() {
                // Each of several tables has keys of its own.
                last.push_str(&format!("[{start}]"));
            }
            let at = start + indent + line[indent..].find(written).unwrap_or_default();
            // The place of a table is the last of its names.
            let skipped = match is_table {
                true => written.rfind('.').map_or(0, |dot| dot + 1),
                false => 0,
            };
            let path = match is_table {
                true => own,
                false => table.iter().cloned().chain(own).collect(),
            };
            if is_table {
                table.clone_from(&path);
            }
            keys.push(Written { path, span: at + skipped..at + written.len(), is_table });
        }
        start += line.len();
    }
    keys
}
