//! Single values: names, numbers, words.

use hopline_mesh::dialect::Dialect;
use hopline_mesh::name::NodeName;

use super::Checker;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::spec::At;
use crate::spec::reader::listed;
use crate::suggest;
use crate::topology::{DEFAULT_HOP_LIMIT, Duplicate};

/// The longest name of a client, which is its identity, in bytes.
const MAX_CLIENT: usize = 255;

impl Checker<'_> {
    /// The name of a node or a mesh.
    pub(super) fn node_name(&mut self, of: &str, at: &At<String>) -> Option<NodeName> {
        NodeName::parse(&at.value)
            .map_err(|error| {
                let message = format!("{} cannot be the name of a {of}", quoted(&at.value));
                self.problems.push(
                    Diagnostic::error(codes::BAD_NAME, message)
                        .label(&at.span, error.to_string())
                        .maybe_help(cleaned(&at.value)),
                );
            })
            .ok()
    }

    /// Whether a client, or what is addressed like one, can have this name.
    pub(super) fn client_name(&mut self, of: &str, at: &At<String>) -> bool {
        let why = if at.value.len() > MAX_CLIENT {
            format!("a {of}'s name has at most {MAX_CLIENT} bytes, this one has {}", at.value.len())
        } else if let Some(why) = no_name(&at.value) {
            why
        } else {
            return true;
        };
        let message = format!("{} cannot be the name of a {of}", quoted(&at.value));
        let problem =
            Diagnostic::error(codes::BAD_NAME, message).label(&at.span, why).help(match of {
                "client" => "a client's name is the identity that it connects with",
                _ => "a name holds no control characters and no `@`, `#`, `*` or `:`",
            });
        self.problems.push(problem);
        false
    }

    pub(super) fn hop_limit(&mut self, at: Option<&At<i64>>) -> u8 {
        let Some(at) = at else {
            return DEFAULT_HOP_LIMIT;
        };
        match u8::try_from(at.value) {
            Ok(limit) if limit > 0 => limit,
            _ => {
                let problem = Diagnostic::error(
                    codes::BAD_HOP_LIMIT,
                    format!("a hop limit of {} is out of range", at.value),
                )
                .label(&at.span, "not within 1 to 255")
                .help(format!(
                    "it is how many nodes a path may hold; without it, {DEFAULT_HOP_LIMIT}"
                ));
                self.problems.push(problem);
                DEFAULT_HOP_LIMIT
            }
        }
    }

    pub(super) fn cost(&mut self, at: Option<&At<i64>>) -> u32 {
        let Some(at) = at else {
            return self.default_cost;
        };
        match u32::try_from(at.value) {
            Ok(cost) if cost > 0 => cost,
            _ => {
                let (message, why) = match at.value < 1 {
                    true => (format!("a link's cost is at least 1, not {}", at.value), "below 1"),
                    false => (format!("a link's cost is at most {}", u32::MAX), "above that"),
                };
                let problem =
                    Diagnostic::error(codes::BAD_COST, message).label(&at.span, why).help(format!(
                        "write a whole number from 1 on; a link without a cost costs {}",
                        self.default_cost
                    ));
                self.problems.push(problem);
                self.default_cost
            }
        }
    }

    pub(super) fn duplicate(&mut self, at: Option<&At<String>>) -> Duplicate {
        match at.map(|at| (at.value.as_str(), at)) {
            None | Some(("refuse", _)) => Duplicate::Refuse,
            Some(("takeover", _)) => Duplicate::Takeover,
            Some((_, at)) => {
                self.none_of("duplicate", at, &["refuse", "takeover"]);
                Duplicate::Refuse
            }
        }
    }

    /// The dialects of a list, none where there is no list.
    pub(super) fn dialects(&mut self, at: Option<&At<Vec<At<String>>>>) -> Option<Vec<Dialect>> {
        let at = at?;
        let mut dialects: Vec<(Dialect, &At<String>)> = Vec::new();
        for item in &at.value {
            let Some(dialect) = Dialect::from_name(&item.value) else {
                self.none_of("dialects", item, &Dialect::ALL.map(Dialect::name));
                continue;
            };
            if let Some((_, first)) = dialects.iter().find(|(known, _)| *known == dialect) {
                let message = format!("the dialect `{}` is listed twice", item.value);
                let problem = Diagnostic::error(codes::BAD_VALUE, message)
                    .label(&item.span, "listed again")
                    .label(&first.span, "first listed here")
                    .help("take one of the two out");
                self.problems.push(problem);
                continue;
            }
            dialects.push((dialect, item));
        }
        if at.value.is_empty() {
            let problem = Diagnostic::error(codes::BAD_VALUE, "`dialects` lists none")
                .label(&at.span, "raw clients could say nothing")
                .help("list at least one dialect, or leave `dialects` out to allow all");
            self.problems.push(problem);
        }
        Some(dialects.into_iter().map(|(dialect, _)| dialect).collect())
    }

    /// A text that may be anything but empty.
    pub(super) fn filled(&mut self, key: &str, at: Option<&At<String>>) -> Option<String> {
        let at = at?;
        let (message, why, help) = match at.value.chars().find(|c| c.is_control()) {
            Some(c) => (
                format!("`{key}` holds {c:?}, which cannot be shown"),
                "a line end or another control character",
                "write it on one line, without control characters".to_owned(),
            ),
            None if at.value.trim().is_empty() => (
                format!("`{key}` says nothing"),
                "empty",
                format!("fill it in, or leave `{key}` out"),
            ),
            None => return Some(at.value.clone()),
        };
        let problem = Diagnostic::error(codes::BAD_VALUE, message).label(&at.span, why).help(help);
        self.problems.push(problem);
        None
    }

    pub(super) fn none_of(&mut self, key: &str, at: &At<String>, allowed: &[&str]) {
        let help = suggest::did_you_mean(&at.value, allowed.iter().copied())
            .unwrap_or_else(|| format!("`{key}` takes {}", listed(allowed, "or")));
        let message = format!("{} is no value of `{key}`", quoted(&at.value));
        let problem = Diagnostic::error(codes::BAD_VALUE, message)
            .label(&at.span, "not known here")
            .help(help);
        self.problems.push(problem);
    }
}

/// The nearest name to `text`, which is none.
pub(crate) fn cleaned(text: &str) -> Option<String> {
    let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_');
    let parts = text.split(|c| !is_good(c)).filter(|part| !part.is_empty());
    let name = parts.collect::<Vec<_>>().join("-");
    let name = name.trim_matches(['.', '_']);
    let name = NodeName::parse(name).ok()?;
    Some(format!("`{name}` would be a good name"))
}

/// Why no client or destination can be called `text`, if so.
pub(super) fn no_name(text: &str) -> Option<String> {
    let reserved = |c: &char| c.is_control() || matches!(c, '@' | '#' | '*' | ':');
    match text.chars().find(reserved) {
        _ if text.is_empty() => Some("a name cannot be empty".to_owned()),
        Some(c) => Some(format!("a name cannot hold {c:?}, which addresses use")),
        None => None,
    }
}

/// A text from a file in a message: in backquotes, and shortened where it is long.
pub(crate) fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.is_empty() {
        return "an empty text".to_owned();
    }
    let mut shown: String = text.chars().take(LONGEST).collect();
    if shown.len() < text.len() {
        shown.push('\u{2026}');
    }
    format!("`{}`", shown.escape_debug())
}
