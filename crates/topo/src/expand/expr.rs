//! Sums within braces: counters, whole numbers, `+ - * / %` and parentheses.
//!
//! Division rounds down, and a remainder is never below nought: `(n-1) / 4` and `(n-1) % 4` put nodes
//! into rows of four.

use crate::suggest;

/// The longest text within braces, in bytes.
const LONGEST: usize = 200;

/// How deep parentheses and signs may be nested.
const DEEPEST: usize = 32;

/// The counters that a sum may use and what each is at.
pub(super) type Counters<'a> = [(&'a str, i64)];

/// The value of the sum `text`.
///
/// # Errors
/// Why it has none, and what to do about it.
pub(super) fn value(text: &str, counters: &Counters<'_>) -> Result<i64, Trouble> {
    if text.len() > LONGEST {
        return trouble(format!("more than {LONGEST} characters"), "take a shorter sum");
    }
    let mut parser = Parser { rest: text.trim(), counters, depth: 0 };
    if parser.rest.is_empty() {
        return trouble("nothing stands within the braces", "write a counter, such as `{n}`");
    }
    let value = parser.sum()?;
    match parser.rest.chars().next() {
        None => Ok(value),
        Some(c) => trouble(format!("{c:?} cannot stand here"), "a sum is such as `6000 + 2*n`"),
    }
}

/// Whether `text` uses any of the counters, or what may be one.
pub(super) fn has_counter(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_alphabetic())
}

/// What is wrong with a sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    /// What is wrong.
    pub(super) what: String,
    /// What to do about it.
    pub(super) help: String,
}

pub(super) fn trouble<T>(what: impl Into<String>, help: impl Into<String>) -> Result<T, Trouble> {
    Err(Trouble { what: what.into(), help: help.into() })
}

struct Parser<'a> {
    rest: &'a str,
    counters: &'a Counters<'a>,
    depth: usize,
}

impl Parser<'_> {
    fn sum(&mut self) -> Result<i64, Trouble> {
        let mut value = self.product()?;
        while let Some(sign) = self.take(&['+', '-']) {
            let other = self.product()?;
            value = fits(match sign {
                '+' => value.checked_add(other),
                _ => value.checked_sub(other),
            })?;
        }
        Ok(value)
    }

    fn product(&mut self) -> Result<i64, Trouble> {
        let mut value = self.factor()?;
        while let Some(sign) = self.take(&['*', '/', '%']) {
            let other = self.factor()?;
            if other == 0 && sign != '*' {
                return trouble("a division by 0", "see that what stands below is never 0");
            }
            value = fits(match sign {
                '*' => value.checked_mul(other),
                '/' => value.checked_div_euclid(other),
                _ => value.checked_rem_euclid(other),
            })?;
        }
        Ok(value)
    }

    fn factor(&mut self) -> Result<i64, Trouble> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return trouble("parentheses are nested too deep", "take a simpler sum");
        }
        let value = self.factor_within();
        self.depth -= 1;
        value
    }

    fn factor_within(&mut self) -> Result<i64, Trouble> {
        if self.take(&['-']).is_some() {
            return fits(self.factor()?.checked_neg());
        }
        if self.take(&['(']).is_some() {
            let value = self.sum()?;
            return match self.take(&[')']) {
                Some(_) => Ok(value),
                None => trouble("`(` is not closed", "close it with `)`"),
            };
        }
        self.rest = self.rest.trim_start();
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        match word.chars().next() {
            None if rest.is_empty() => {
                trouble("the sum breaks off", "write a counter or a number behind the last sign")
            }
            None => trouble(
                format!("{:?} cannot stand here", rest.chars().next().unwrap_or_default()),
                "a sum is such as `6000 + 2*n`",
            ),
            Some('0'..='9') => match word.bytes().all(|b| b.is_ascii_digit()) {
                true => fits(word.parse().ok()),
                false => trouble(
                    format!("`{word}` is no number"),
                    "write `*` between a number and a counter, as in `2*n`",
                ),
            },
            Some(_) => self.counter(word),
        }
    }

    fn counter(&self, word: &str) -> Result<i64, Trouble> {
        let known = self.counters.iter().map(|(name, _)| *name);
        if let Some((_, value)) = self.counters.iter().find(|(name, _)| *name == word) {
            return Ok(*value);
        }
        let help = suggest::did_you_mean(word, known.clone()).unwrap_or_else(|| {
            match known.map(|name| format!("`{name}`")).collect::<Vec<_>>() {
                none if none.is_empty() => "there are no counters here".to_owned(),
                some => format!("the counters here: {}", some.join(", ")),
            }
        });
        trouble(format!("unknown counter `{word}`"), help)
    }

    fn take(&mut self, signs: &[char]) -> Option<char> {
        self.rest = self.rest.trim_start();
        let first = self.rest.chars().next().filter(|c| signs.contains(c))?;
        self.rest = &self.rest[first.len_utf8()..];
        Some(first)
    }
}

fn fits(value: Option<i64>) -> Result<i64, Trouble> {
    match value {
        Some(value) => Ok(value),
        None => trouble("the number is too large", "numbers have at most 18 digits here"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<i64, String> {
        value(text, &[("n", 7), ("pod", 2)]).map_err(|trouble| trouble.what)
    }

    #[test]
    fn sums_are_as_in_arithmetic() {
        for (text, expected) in [
            ("n", 7),
            (" 6000 + n ", 6007),
            ("2*n-1", 13),
            ("2*(n-1)", 12),
            ("n/4", 1),
            ("n%4", 3),
            ("-n/4", -2),
            ("-n%4", 1),
            ("pod*100+n", 207),
            ("10-3-2", 5),
        ] {
            assert_eq!(of(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_sum_is_told() {
        for text in ["", "n+", "+n", "2n", "m", "n n", "(n", "n)", "n/0", "n%(n-7)", "$", "n..2"] {
            assert!(of(text).is_err(), "{text}");
        }
        assert_eq!(of("podd").unwrap_err(), "unknown counter `podd`");
    }

    #[test]
    fn no_sum_is_too_large_or_too_deep_for_the_machine() {
        for text in [
            "9223372036854775807+1",
            "99999999999999999999",
            "-9223372036854775807-2",
            "9223372036854775807*9223372036854775807",
            &"(".repeat(150),
            &"-".repeat(150),
            &"1+".repeat(5_000),
            "(0-9223372036854775807-1)/-1",
            "-(0-9223372036854775807-1)",
        ] {
            assert!(of(text).is_err(), "{text}");
        }
    }
}
