//! Keys and tables that stand in a file twice.
//!
//! The parser tells the second place only; the first is found by going through the lines above it.

use std::collections::BTreeMap;

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
    let keys = Keys::of(text);
    repeated.iter().map(|span| one(text, span, &keys)).collect()
}

/// A key or a table that stands there again.
pub(super) struct Again<'a> {
    /// The names of the tables it is in, and its own.
    pub(super) path: &'a [String],
    /// Whether it is a table.
    pub(super) is_table: bool,
    /// Where it is written again.
    pub(super) again: &'a Span,
    /// Where it was written first.
    pub(super) first: Option<&'a Span>,
}

impl Again<'_> {
    /// The mistake that it is.
    pub(super) fn told(&self) -> Diagnostic {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
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
            ["services", service] => (
                codes::DUPLICATE_NAME,
                format!("the service `{service}` is declared twice"),
                "give one of them another name, or make the two one",
            ),
            path if self.is_table => (
                codes::DUPLICATE_KEY,
                format!("the table `[{}]` is written twice", path.join(".")),
                "put the keys of both under one",
            ),
            [tables @ .., key] if !tables.is_empty() => (
                codes::DUPLICATE_KEY,
                format!("`{key}` is written twice in `[{}]`", tables.join(".")),
                "take one of the two out",
            ),
            _ => (
                codes::DUPLICATE_KEY,
                format!("`{}` is written twice", path.concat()),
                "take one of the two out",
            ),
        };
        let problem = Diagnostic::error(code, message).label(self.again, "written again");
        match self.first {
            Some(first) => problem.label(first, "first written here"),
            None => problem,
        }
        .help(help)
    }
}

fn one(text: &str, span: &Span, keys: &Keys) -> Diagnostic {
    let Some(again) = keys.around(span) else {
        let name = text.get(span.clone()).unwrap_or_default().trim_matches(['"', '\'']);
        let path = &[name.to_owned()];
        return Again { path, is_table: false, again: span, first: None }.told();
    };
    let first = keys.first.get(&again.identity()).and_then(|first| keys.all.get(*first));
    let first = first.map(|first| &first.span).filter(|first| first.start < again.span.start);
    Again { path: &again.path, is_table: again.is_table, again: span, first }.told()
}

/// A key or table as it stands in the file.
struct Written {
    /// The names of the tables it is in, and its own.
    path: Vec<String>,
    /// Which item of its list of tables it is in, where it is in one.
    item: usize,
    span: Span,
    is_table: bool,
}

impl Written {
    /// What two of the same have the same.
    fn identity(&self) -> (usize, Vec<String>) {
        (self.item, self.path.clone())
    }
}

/// The keys and tables that stand at the beginning of a text's lines.
#[derive(Default)]
struct Keys {
    /// All of them, in the text's order.
    all: Vec<Written>,
    /// The first of those that are the same.
    first: BTreeMap<(usize, Vec<String>), usize>,
}

impl Keys {
    fn of(text: &str) -> Self {
        let mut keys = Self::default();
        let mut table: Vec<String> = Vec::new();
        let mut item = 0;
        // How many tables each list of tables has so far.
        let mut items: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let body = line.trim_start();
            let is_list = body.starts_with("[[");
            let is_table = body.starts_with('[');
            let written = match is_table {
                true => body.trim_start_matches('[').split(']').next().unwrap_or_default(),
                false => body.split_once('=').map_or("", |(key, _)| key.trim_end()),
            };
            let at = start + line.find(written).unwrap_or_default();
            start += line.len();
            if written.is_empty() || body.starts_with('#') {
                continue;
            }
            let own = written.split('.').map(|part| part.trim().trim_matches(['"', '\'']));
            let own = own.map(str::to_owned);
            // The place of a table is the last of its names.
            let mut skipped = 0;
            let mut path = Vec::new();
            if is_table {
                skipped = written.rfind('.').map_or(0, |dot| dot + 1);
                path.extend(own);
                if is_list {
                    *items.entry(path.clone()).or_default() += 1;
                }
                let lists = (1..=path.len()).filter_map(|length| items.get(&path[..length]));
                item = lists.sum();
                table.clone_from(&path);
            } else {
                path.extend(table.iter().cloned().chain(own));
            }
            let span = at + skipped..at + written.len();
            keys.add(Written { path, item, span, is_table });
        }
        keys
    }

    fn add(&mut self, written: Written) {
        self.first.entry(written.identity()).or_insert(self.all.len());
        self.all.push(written);
    }

    /// The key that `span` is in.
    fn around(&self, span: &Span) -> Option<&Written> {
        let next = self.all.partition_point(|key| key.span.start <= span.start);
        let key = self.all.get(next.checked_sub(1)?)?;
        (span.end <= key.span.end).then_some(key)
    }
}
