//! Texts with braces: `leaf-{n}`, `tcp://127.0.0.1:{6000+n}`, `spine-{1..4}`.

use std::ops::Range;

use super::expr::{Counters, Trouble, has_counter, trouble, value};

/// What braces can stand for at one node.
#[derive(Debug, Default)]
pub(super) struct Scope<'a> {
    /// The counters.
    pub(super) counters: Vec<(&'a str, i64)>,
    /// Words that stand for a text, such as `name`.
    pub(super) words: Vec<(&'static str, &'a str)>,
}

/// What is wrong with a text, and at which of its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Misfit {
    /// The place in the text.
    pub(super) part: Range<usize>,
    /// What is wrong there.
    pub(super) trouble: Trouble,
}

/// The one text that `text` makes.
pub(super) fn one(text: &str, scope: &Scope<'_>) -> Result<String, Misfit> {
    let mut made = String::with_capacity(text.len() + 8);
    for piece in pieces(text) {
        match piece? {
            Piece::Plain(plain) => made.push_str(plain),
            Piece::Braces(inner, part) => match inner.contains("..") {
                true => {
                    let help = "a range stands where nodes are named, such as in `upstream`";
                    let trouble = trouble("a range makes several texts of one", help);
                    return trouble.map_err(|trouble| Misfit { part, trouble });
                }
                false => made.push_str(&single(inner, scope).map_err(|t| at(&part, t))?),
            },
        }
    }
    Ok(made)
}

/// All texts that `text` makes, by its ranges; none, where `room` is not enough for them.
pub(super) fn all(
    text: &str,
    scope: &Scope<'_>,
    room: &mut u64,
) -> Result<Option<Vec<String>>, Misfit> {
    let mut made = vec![String::new()];
    for piece in pieces(text) {
        match piece? {
            Piece::Plain(plain) => made.iter_mut().for_each(|text| text.push_str(plain)),
            Piece::Braces(inner, part) => match inner.split_once("..") {
                None => {
                    let single = single(inner, scope).map_err(|trouble| at(&part, trouble))?;
                    made.iter_mut().for_each(|text| text.push_str(&single));
                }
                Some((from, to)) => {
                    let range = range(from, to, &scope.counters);
                    let (from, to) = range.map_err(|trouble| at(&part, trouble))?;
                    let length = length(from, to).saturating_mul(made.len() as u64);
                    if length > *room {
                        *room = 0;
                        return Ok(None);
                    }
                    let texts = made
                        .iter()
                        .flat_map(|text| (from..=to).map(move |number| format!("{text}{number}")));
                    made = texts.collect();
                }
            },
        }
    }
    *room = room.saturating_sub(made.len() as u64);
    Ok(Some(made))
}

/// The two ends of the range `from..to`; an empty one is meant only where a counter makes it so.
pub(super) fn range(from: &str, to: &str, counters: &Counters<'_>) -> Result<(i64, i64), Trouble> {
    let empty = !has_counter(from) && !has_counter(to);
    let (from, to) = (value(from, counters)?, value(to, counters)?);
    match from > to && empty {
        true => trouble(
            format!("{from}..{to} is empty"),
            format!("a range goes upward and holds both its ends: `{to}..{from}`"),
        ),
        false => Ok((from, to)),
    }
}

/// How many numbers there are from `from` to `to`.
pub(super) fn length(from: i64, to: i64) -> u64 {
    match from > to {
        true => 0,
        false => to.abs_diff(from).saturating_add(1),
    }
}

fn single(inner: &str, scope: &Scope<'_>) -> Result<String, Trouble> {
    let word = inner.trim();
    match scope.words.iter().find(|(name, _)| *name == word) {
        Some((_, text)) => Ok((*text).to_owned()),
        None => value(inner, &scope.counters).map(|number| number.to_string()),
    }
}

fn at(part: &Range<usize>, trouble: Trouble) -> Misfit {
    Misfit { part: part.clone(), trouble }
}

fn pieces(text: &str) -> Pieces<'_> {
    Pieces { text, at: 0 }
}

enum Piece<'a> {
    Plain(&'a str),
    /// What stands within braces, and the place of it with them.
    Braces(&'a str, Range<usize>),
}

/// The pieces of a text. `{{` and `}}` are braces themselves.
struct Pieces<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Result<Piece<'a>, Misfit>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at;
        let rest = self.text.get(start..).filter(|rest| !rest.is_empty())?;
        let misfit = |part: Range<usize>, what: &str, help: &str| {
            Some(Err(Misfit { part, trouble: Trouble { what: what.into(), help: help.into() } }))
        };
        let brace = rest.find(['{', '}']).unwrap_or(rest.len());
        if brace > 0 {
            self.at += brace;
            return Some(Ok(Piece::Plain(&rest[..brace])));
        }
        if rest.starts_with("{{") || rest.starts_with("}}") {
            self.at += 2;
            return Some(Ok(Piece::Plain(&rest[..1])));
        }
        self.at = self.text.len();
        if rest.starts_with('}') {
            return misfit(start..start + 1, "`}` closes nothing", "write `}}` for a brace itself");
        }
        match rest[1..].find(['{', '}']).map(|end| (end + 1, &rest[1..=end])) {
            Some((end, inner)) if rest[end..].starts_with('}') => {
                self.at = start + end + 1;
                Some(Ok(Piece::Braces(inner, start..self.at)))
            }
            _ => misfit(
                start..start + 1,
                "`{` is not closed",
                "close it with `}`, or write `{{` for a brace itself",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> Scope<'static> {
        Scope { counters: vec![("n", 3), ("pod", 2)], words: vec![("name", "leaf-3")] }
    }

    fn all_of(text: &str) -> Vec<String> {
        all(text, &scope(), &mut 1_000).unwrap().unwrap()
    }

    #[test]
    fn braces_hold_counters_sums_and_words() {
        for (text, made) in [
            ("leaf", "leaf"),
            ("leaf-{n}", "leaf-3"),
            ("tcp://h:{6000 + n}", "tcp://h:6003"),
            ("{name}.{pod}", "leaf-3.2"),
            ("{{n}} {n}", "{n} 3"),
            ("", ""),
        ] {
            assert_eq!(one(text, &scope()).as_deref(), Ok(made), "{text}");
            assert_eq!(all_of(text), [made], "{text}");
        }
    }

    #[test]
    fn ranges_make_lists() {
        assert_eq!(all_of("s-{1..3}"), ["s-1", "s-2", "s-3"]);
        assert_eq!(all_of("{1..2}.{n..n+1}"), ["1.3", "1.4", "2.3", "2.4"]);
        assert_eq!(all_of("s-{1..n-3}"), [""; 0]);
        assert!(one("s-{1..3}", &scope()).is_err());
        assert!(all("s-{3..1}", &scope(), &mut 9).is_err());
    }

    #[test]
    fn a_range_that_is_too_long_is_not_made() {
        let mut room = 10;
        assert_eq!(all("s-{1..1000000000000}", &scope(), &mut room), Ok(None));
        assert_eq!(room, 0);
        assert_eq!(
            all("s-{-9223372036854775807..9223372036854775807}", &scope(), &mut 9),
            Ok(None)
        );
    }

    #[test]
    fn what_is_wrong_is_at_its_place() {
        let part = |text: &str| one(text, &scope()).unwrap_err().part;
        assert_eq!(part("leaf-{m}-x"), 5..8);
        assert_eq!(part("leaf-{n"), 5..6);
        assert_eq!(part("leaf-n}"), 6..7);
        assert_eq!(part("a{n{n}}"), 1..2);
        assert_eq!(part("\u{e9}{}"), 2..4);
    }
}
