//! What several files say, put together as if it stood in one.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::duplicates;
use crate::diagnostic::Diagnostic;

/// The tables that several files may have: their keys are names, and what is under each is one thing.
const SHARED: &[&[&str]] = &[
    &["nodes"],
    &["clients"],
    &["routes"],
    &["groups"],
    &["services"],
    &["client_groups"],
    &["lints"],
    &["lints", "allow"],
    &["access"],
];

/// Lists of things without names that are no tables of the file itself.
const INNER_LISTS: &[&[&str]] = &[&["access", "attach"], &["access", "send"]];

/// Puts what a further file says to what those before it said.
pub(super) fn merge<'a>(all: &mut DeTable<'a>, file: DeTable<'a>, problems: &mut Vec<Diagnostic>) {
    under(&mut Vec::new(), all, file, problems);
}

fn under<'a>(
    path: &mut Vec<String>,
    all: &mut DeTable<'a>,
    file: DeTable<'a>,
    problems: &mut Vec<Diagnostic>,
) {
    for (key, value) in file {
        let name = key.get_ref().to_string();
        let first = all.get_key_value(name.as_str()).map(|(key, _)| key.span());
        let (Some(first), Some(before)) = (first, all.get_mut(name.as_str())) else {
            all.insert(key, value);
            continue;
        };
        path.push(name);
        let is_table = value.get_ref().is_table();
        if !join(path, before, value, problems) {
            let again =
                duplicates::Again { path, is_table, again: &key.span(), first: Some(&first) };
            problems.push(again.told());
        }
        path.pop();
    }
}

/// Puts `value` to what stands under its key already, and says whether both may stand there.
///
/// Where two tables may not, their keys are put together all the same, so that what is wrong with any
/// of them is told in the same run.
fn join<'a>(
    path: &mut Vec<String>,
    before: &mut Spanned<DeValue<'a>>,
    value: Spanned<DeValue<'a>>,
    problems: &mut Vec<Diagnostic>,
) -> bool {
    match (before.get_mut(), value.into_inner()) {
        (DeValue::Table(all), DeValue::Table(file)) if is_shared(path) => {
            under(path, all, file, problems);
            true
        }
        (DeValue::Table(all), DeValue::Table(file)) => {
            for (key, value) in file {
                if !all.contains_key(key.get_ref().as_ref()) {
                    all.insert(key, value);
                }
            }
            false
        }
        (DeValue::Array(all), DeValue::Array(file))
            if is_list(path) && are_tables(all.iter()) && are_tables(file.iter()) =>
        {
            for item in file {
                all.push(item);
            }
            true
        }
        _ => false,
    }
}

fn is_shared(path: &[String]) -> bool {
    SHARED.iter().any(|shared| shared == &path)
}

fn is_list(path: &[String]) -> bool {
    path.len() == 1 || INNER_LISTS.iter().any(|list| list == &path)
}

/// Whether these are things without names, such as `[[links]]`, of which there may be any number.
fn are_tables<'a>(mut items: impl Iterator<Item = &'a Spanned<DeValue<'a>>>) -> bool {
    items.all(|item| item.get_ref().is_table())
}
