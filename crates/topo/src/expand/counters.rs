//! What the counters of a template go through.

use super::text::length;
use super::{Expander, expr, text};
use crate::check::quoted;
use crate::codes;
use crate::diagnostic::{Diagnostic, Span};
use crate::spec::{At, CountSpec, Scalar, ScalarSpec};

/// Words that stand for something else within braces.
const TAKEN: &[&str] = &["name", "parent"];

/// A counter with its first and its last number.
pub(super) struct Counter<'a> {
    pub(super) name: &'a str,
    pub(super) from: i64,
    pub(super) to: i64,
}

impl Counter<'_> {
    /// The number at `step`, counted from 0.
    pub(super) fn at(&self, step: u64) -> i64 {
        self.from.saturating_add_unsigned(step)
    }

    /// How many numbers it goes through.
    pub(super) fn length(&self) -> u64 {
        length(self.from, self.to)
    }
}

impl Expander<'_> {
    /// The counters of a template. None, and told, where one is no good.
    pub(super) fn counters<'a>(&mut self, count: &'a CountSpec) -> Option<Vec<Counter<'a>>> {
        let counters: Vec<Option<Counter<'a>>> =
            count.counters.iter().map(|counter| self.counter(counter)).collect();
        let counters: Vec<Counter<'a>> = counters.into_iter().collect::<Option<_>>()?;
        (!counters.is_empty()).then_some(counters)
    }

    fn counter<'a>(&mut self, spec: &'a ScalarSpec) -> Option<Counter<'a>> {
        let (key, at) = (&spec.key, &spec.value);
        let mut letters = key.value.chars();
        let is_name = letters.next().is_some_and(|c| c.is_ascii_alphabetic())
            && letters.all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_name || TAKEN.contains(&key.value.as_str()) {
            let message = format!("{} cannot be a counter", quoted(&key.value));
            let why = match is_name {
                true => "it stands for a name already",
                false => "a counter is a word of letters, digits and `_`",
            };
            self.bad_count(message, &key.span, why, "call it `n`, for example");
            return None;
        }
        let (from, to) = match &at.value {
            Scalar::Whole(to) => (1, *to),
            Scalar::Text(range) => self.range(at, range)?,
            Scalar::Fraction(_) => return None,
        };
        if from > to {
            let message = format!("the counter `{}` counts nothing", key.value);
            let why = format!("{from} to {to}");
            self.bad_count(message, &at.span, &why, "a template makes at least one node");
            return None;
        }
        Some(Counter { name: &key.value, from, to })
    }

    fn range(&mut self, at: &At<Scalar>, range: &str) -> Option<(i64, i64)> {
        let range = match range.split_once("..") {
            Some((from, to)) => text::range(from, to, &[]),
            None => expr::value(range, &[]).map(|to| (1, to)),
        };
        let trouble = match range {
            Ok(range) => return Some(range),
            Err(trouble) => trouble,
        };
        let message = "this counts nothing".to_owned();
        let help = match trouble.help.as_str() {
            "there are no counters here" => "write a number, or a range such as `\"5..8\"`",
            help => help,
        };
        self.bad_count(message, &at.span, &trouble.what, help);
        None
    }

    fn bad_count(&mut self, message: String, place: &Span, why: &str, help: &str) {
        let problem = Diagnostic::error(codes::BAD_TEMPLATE, message).label(place, why).help(help);
        self.problems.push(problem);
    }
}
