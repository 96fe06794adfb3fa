//! Sets of names as access rules write them.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::{ClientName, HEX_PREFIX};

/// The longest name in a rule, in bytes: that of an identity.
const LONGEST: usize = 255;

/// Which names an access rule speaks of.
///
/// | written | is |
/// |---|---|
/// | `alice` | this name alone |
/// | `sensor.*` | every name that begins with `sensor.` and goes on, not `sensor` itself |
/// | `hex:ff00` | the client of this identity, which is no text |
/// | `hex:*` | every client whose name is written in hexadecimal, the anonymous ones among them |
/// | `:bob` | whoever has registered this name in the broker dialect, when sent to by it |
/// | `*` | everybody |
///
/// Asking costs a few comparisons, however many names there are, and allocates nothing. Written, the
/// widest come first.
///
/// # Examples
/// ```
/// use hopline_mesh::route::access::NameSet;
///
/// let set = NameSet::parse(["sensor.*", "alice"])?;
/// assert!(set.contains("sensor.1.a") && set.contains("alice"));
/// assert!(!set.contains("sensor") && !set.contains("alice2") && !set.contains("hex:ff"));
/// assert!(NameSet::parse(["hex:*"])?.contains("hex:ff"));
/// assert!(NameSet::parse(["sens*"]).is_err());
/// # Ok::<(), hopline_mesh::route::access::NameSetError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct NameSet {
    everybody: bool,
    hexadecimal: bool,
    prefixes: BTreeSet<String>,
    names: BTreeSet<String>,
}

/// Why a text stands for no names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameSetError {
    /// The text is empty.
    #[error("a name cannot be empty")]
    Empty,
    /// The text has a mark that no name has, or that stands elsewhere only.
    #[error("a name cannot hold {0:?} here")]
    Mark(char),
    /// The text has more bytes than an identity may have.
    #[error("a name has at most {LONGEST} bytes, this one has {0}")]
    TooLong(usize),
    /// What follows `hex:` are no bytes in hexadecimal.
    #[error("what follows `hex:` is bytes in lower-case hexadecimal, or `*`")]
    NoBytes,
    /// The bytes are a text, under which their client goes by.
    #[error("these bytes are the name `{0}`")]
    IsText(ClientName),
}

impl NameSet {
    /// Everybody.
    #[must_use]
    pub fn everybody() -> Self {
        Self { everybody: true, ..Self::default() }
    }

    /// The names that any of `texts` stands for.
    ///
    /// # Errors
    /// [`NameSetError`] says what is wrong with the first that stands for none.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, NameSetError> {
        let mut set = Self::default();
        texts.into_iter().try_for_each(|text| set.add(text))?;
        Ok(set)
    }

    /// Adds the names that `text` stands for.
    ///
    /// # Errors
    /// [`NameSetError`] where it stands for none; then nothing is added.
    pub fn add(&mut self, text: &str) -> Result<(), NameSetError> {
        if text == "*" {
            self.everybody = true;
        } else if let Some(digits) = text.strip_prefix(HEX_PREFIX) {
            if digits == "*" {
                self.hexadecimal = true;
            } else {
                self.names.insert(hexadecimal(text, digits)?);
            }
        } else if text.starts_with(':') {
            self.names.insert(registered(text)?);
        } else if let Some(prefix) = text.strip_suffix(".*") {
            self.prefixes.insert(plain(prefix)?);
        } else {
            self.names.insert(plain(text)?);
        }
        Ok(())
    }

    /// Whether `name` is among them.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.everybody
            || self.hexadecimal && name.starts_with(HEX_PREFIX)
            || self.names.contains(name)
            || !self.prefixes.is_empty() && self.has_prefix_of(name)
    }

    /// Whether all of `other` is among them.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let has_prefix =
            |prefix: &String| self.prefixes.contains(prefix) || self.has_prefix_of(prefix);
        self.everybody
            || !other.everybody
                && (self.hexadecimal || !other.hexadecimal)
                && other.prefixes.iter().all(has_prefix)
                && other.names.iter().all(|name| self.contains(name))
    }

    /// Whether nobody is among them.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The texts that stand for them.
    pub fn texts(&self) -> impl Iterator<Item = String> {
        let everybody = self.everybody.then(|| "*".to_owned());
        let hexadecimal = self.hexadecimal.then(|| format!("{HEX_PREFIX}*"));
        let prefixes = self.prefixes.iter().map(|prefix| format!("{prefix}.*"));
        let names = self.names.iter().cloned();
        everybody.into_iter().chain(hexadecimal).chain(prefixes).chain(names)
    }

    /// Whether one of the prefixes, a dot, and something more make up `name`.
    fn has_prefix_of(&self, name: &str) -> bool {
        let dots = name.match_indices('.').map(|(at, _)| at);
        let mut dots = dots.filter(|at| at + 1 < name.len());
        dots.any(|at| name.get(..at).is_some_and(|prefix| self.prefixes.contains(prefix)))
    }
}

/// A name that is a text.
fn plain(text: &str) -> Result<String, NameSetError> {
    if text.is_empty() {
        return Err(NameSetError::Empty);
    }
    if text.len() > LONGEST {
        return Err(NameSetError::TooLong(text.len()));
    }
    let reserved = |c: &char| c.is_control() || matches!(c, '@' | '#' | '*' | ':');
    match text.chars().find(reserved) {
        Some(mark) => Err(NameSetError::Mark(mark)),
        None => Ok(text.to_owned()),
    }
}

/// A name of the broker dialect, with its mark.
fn registered(text: &str) -> Result<String, NameSetError> {
    if text.len() > 1 + LONGEST {
        return Err(NameSetError::TooLong(text.len() - 1));
    }
    match text.chars().find(|c| c.is_control()) {
        Some(mark) => Err(NameSetError::Mark(mark)),
        None => Ok(text.to_owned()),
    }
}

/// A name in the one way in which its bytes are written: nobody goes by another.
fn hexadecimal(text: &str, digits: &str) -> Result<String, NameSetError> {
    let is_digit = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    if digits.is_empty() || !digits.len().is_multiple_of(2) || !digits.chars().all(is_digit) {
        return Err(NameSetError::NoBytes);
    }
    if digits.len() / 2 > LONGEST {
        return Err(NameSetError::TooLong(digits.len() / 2));
    }
    let bytes = digits.as_bytes().chunks(2).filter_map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    });
    let name = ClientName::from_identity(&bytes.collect::<Vec<_>>());
    if name.as_str() == text { Ok(text.to_owned()) } else { Err(NameSetError::IsText(name)) }
}

impl TryFrom<Vec<String>> for NameSet {
    type Error = NameSetError;
    fn try_from(texts: Vec<String>) -> Result<Self, NameSetError> {
        Self::parse(texts.iter().map(String::as_str))
    }
}

impl From<NameSet> for Vec<String> {
    fn from(set: NameSet) -> Self {
        set.texts().collect()
    }
}

impl fmt::Display for NameSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, text) in self.texts().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}\"{text}\"")?;
        }
        Ok(())
    }
}
