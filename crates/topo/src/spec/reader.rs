//! Values of the expected type, and a finding for each that is not.

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::format::{Kind, Table};
use super::{At, Scalar, Texts};
use crate::codes;
use crate::diagnostic::{Diagnostic, Span};
use crate::suggest;

/// A key as it is written.
pub(super) type Key = At<String>;
/// A value of the tree.
pub(super) type Value<'a> = &'a Spanned<DeValue<'a>>;

/// Reads values and collects what is wrong with them.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) problems: Vec<Diagnostic>,
}

/// The keys and values of a table in the file's order.
pub(super) fn entries<'a>(table: &'a DeTable<'a>) -> Vec<(Key, Value<'a>)> {
    let key =
        |key: &Spanned<DeString<'_>>| At { value: key.get_ref().to_string(), span: key.span() };
    let mut entries: Vec<_> = table.iter().map(|(k, v)| (key(k), v)).collect();
    entries.sort_by_key(|(key, _)| key.span.start);
    entries
}

impl Reader {
    pub(super) fn text(&mut self, key: &Key, value: Value<'_>) -> Option<At<String>> {
        match value.get_ref() {
            DeValue::String(text) => Some(at(value, text.to_string())),
            _ => self.wrong_type(key, "a text", "\"...\"", value),
        }
    }

    pub(super) fn boolean(&mut self, key: &Key, value: Value<'_>) -> Option<At<bool>> {
        match value.get_ref() {
            DeValue::Boolean(truth) => Some(at(value, *truth)),
            _ => self.wrong_type(key, "`true` or `false`", "true", value),
        }
    }

    /// A whole number; one too large for 64 bits is taken as the largest.
    pub(super) fn integer(&mut self, key: &Key, value: Value<'_>) -> Option<At<i64>> {
        match value.get_ref() {
            DeValue::Integer(number) => {
                let limit = match number.as_str().starts_with('-') {
                    true => i64::MIN,
                    false => i64::MAX,
                };
                let number = i64::from_str_radix(number.as_str(), number.radix());
                Some(at(value, number.unwrap_or(limit)))
            }
            _ => self.wrong_type(key, "a whole number", "10", value),
        }
    }

    /// A list of texts, which counts for nothing unless all of its items are.
    pub(super) fn whole_texts(
        &mut self,
        key: &Key,
        (expected, example): (&str, &str),
        value: Value<'_>,
    ) -> Option<Texts> {
        let DeValue::Array(items) = value.get_ref() else {
            return self.wrong_type(key, expected, example, value);
        };
        let texts = items.iter().map(|item| match item.get_ref() {
            DeValue::String(text) => Some(at(item, text.to_string())),
            _ => self.wrong_type(key, expected, example, item),
        });
        let texts: Vec<Option<At<String>>> = texts.collect();
        texts.into_iter().collect::<Option<_>>().map(|texts| at(value, texts))
    }

    /// A list of texts; those of its items that are none are told and left out.
    pub(super) fn texts(&mut self, key: &Key, value: Value<'_>) -> Option<Texts> {
        let DeValue::Array(items) = value.get_ref() else {
            return self.wrong_type(key, "a list of texts", "[\"...\"]", value);
        };
        let texts = items.iter().filter_map(|item| match item.get_ref() {
            DeValue::String(text) => Some(at(item, text.to_string())),
            _ => self.wrong_type(key, "a list of texts", "[\"...\"]", item),
        });
        let texts: Vec<At<String>> = texts.collect();
        // A list of nothing but mistakes is not an empty list.
        (items.is_empty() || !texts.is_empty()).then_some(at(value, texts))
    }

    /// A text, or a list of texts.
    pub(super) fn text_or_texts(&mut self, key: &Key, value: Value<'_>) -> Option<Texts> {
        match value.get_ref() {
            DeValue::String(text) => Some(at(value, vec![at(value, text.to_string())])),
            _ => self.texts(key, value),
        }
    }

    /// A number or a text that stands for one, as `kind` has it.
    pub(super) fn scalar(&mut self, key: &Key, value: Value<'_>, kind: Kind) -> Option<At<Scalar>> {
        let (expected, example) = match kind {
            Kind::Size(_) => ("a size such as `16MiB`", "\"16MiB\""),
            Kind::Duration => ("a duration such as `500ms` or `5s`", "\"5s\""),
            Kind::Rate => ("a rate such as `10MB/s`", "\"10MB/s\""),
            Kind::Share => ("a number from 0 to 1", "0.01"),
            Kind::Position => ("two numbers", "[-74.0, 40.7]"),
            Kind::Count => ("a number, or a range such as `5..8`", "64"),
            _ => ("a whole number", "10"),
        };
        let scalar = match (value.get_ref(), kind) {
            (DeValue::Integer(_), Kind::Duration | Kind::Rate) => None,
            (DeValue::Integer(_), _) => self.integer(key, value).map(|n| Scalar::Whole(n.value)),
            (DeValue::Float(number), Kind::Share | Kind::Position) => {
                Some(Scalar::Fraction(number.as_str().to_owned()))
            }
            (DeValue::String(text), Kind::Size(_) | Kind::Duration | Kind::Rate | Kind::Count) => {
                Some(Scalar::Text(text.to_string()))
            }
            _ => None,
        };
        match scalar {
            Some(scalar) => Some(at(value, scalar)),
            None => self.wrong_type(key, expected, example, value),
        }
    }

    /// The tables of a list, each with its place; a single table stands for a list of one.
    pub(super) fn tables<'a>(
        &mut self,
        key: &Key,
        header: &str,
        value: Value<'a>,
    ) -> Vec<(Span, &'a DeTable<'a>)> {
        let items = match value.get_ref() {
            DeValue::Array(items) => items.iter().collect(),
            _ => vec![value],
        };
        let tables = items.into_iter().filter_map(|item| {
            let table = self.table(key, header, item)?;
            Some((item.span(), table))
        });
        tables.collect()
    }

    /// A table, which begins with `header`.
    pub(super) fn table<'a>(
        &mut self,
        key: &Key,
        header: &str,
        value: Value<'a>,
    ) -> Option<&'a DeTable<'a>> {
        match value.get_ref() {
            DeValue::Table(table) => Some(table),
            _ => self.wrong_type(key, "a table", header, value),
        }
    }

    /// Tells that `value` is not what `key` takes.
    pub(super) fn wrong_type<T>(
        &mut self,
        key: &Key,
        expected: &str,
        example: &str,
        value: Value<'_>,
    ) -> Option<T> {
        let found = match value.get_ref() {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        let message = format!("`{}` takes {expected}, not {found}", key.value);
        let problem = Diagnostic::error(codes::WRONG_TYPE, message)
            .label(&value.span(), format!("this is {found}"))
            .help(fix(&key.value, example, value.get_ref()));
        self.problems.push(problem);
        None
    }

    /// Tells that no topology file has `key` at this place, which takes the keys of `table`.
    pub(super) fn unknown_key(&mut self, key: &Key, value: Value<'_>, place: &str, table: &Table) {
        let known = table.names();
        let help = match suggest::nearest(&key.value, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("{place} takes {}", listed(&known, "and")),
        };
        let what = match value.get_ref() {
            DeValue::Table(_) => "table",
            _ => "key",
        };
        let message = format!("unknown {what} `{}` in {place}", key.value);
        let problem = Diagnostic::error(codes::UNKNOWN_KEY, message)
            .label(&key.span, "not known here")
            .help(help);
        self.problems.push(problem);
    }

    pub(super) fn missing_key(&mut self, key: &str, place: &str, span: &Span, example: &str) {
        let message = format!("{place} has no `{key}`");
        let problem = Diagnostic::error(codes::MISSING_KEY, message)
            .label(span, format!("`{key}` is missing"))
            .help(format!("add `{example}`"));
        self.problems.push(problem);
    }
}

/// What to write instead of `found`: the same in the right form where that is plain, else an example.
fn fix(key: &str, example: &str, found: &DeValue<'_>) -> String {
    let as_text = |text: &str| format!("write `{key} = \"{text}\"`");
    match (example, found) {
        (line, _) if line.contains(" = ") => format!("for example `{line}`"),
        (header, _) if header.starts_with('[') && !header.contains(['"', ',']) => {
            format!("write it as a table that begins with `{header}`")
        }
        ("10", DeValue::String(text)) if text.parse::<i64>().is_ok() => {
            format!("write `{key} = {text}`")
        }
        ("true", DeValue::String(text)) if matches!(text.as_ref(), "true" | "false") => {
            format!("write `{key} = {text}`")
        }
        ("\"...\"", DeValue::Integer(number)) => as_text(number.as_str()),
        ("\"5s\"", DeValue::Integer(number)) => as_text(&format!("{}s", number.as_str())),
        ("\"10MB/s\"", DeValue::Integer(number)) => as_text(&format!("{}B/s", number.as_str())),
        ("0.01", DeValue::String(text)) if text.parse::<f64>().is_ok() => {
            format!("write `{key} = {text}`")
        }
        ("\"...\"", DeValue::Boolean(truth)) => as_text(&truth.to_string()),
        ("[\"...\"]", DeValue::String(text)) => format!("write `{key} = [\"{text}\"]`"),
        _ => format!("for example `{key} = {example}`"),
    }
}

/// "`a`, `b` and `c`", or with another word before the last.
pub(crate) fn listed(words: &[&str], and: &str) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} {and} {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

fn at<T>(value: Value<'_>, inner: T) -> At<T> {
    At { value: inner, span: value.span() }
}
