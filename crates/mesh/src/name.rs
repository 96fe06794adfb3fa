//! Names of nodes, clients and links: parsed once, correct ever after.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The longest name a topology file may give to anything, in bytes.
pub const MAX_NAME: usize = 64;

/// The prefix that marks a client's name as the hexadecimal form of its identity.
pub const HEX_PREFIX: &str = "hex:";

/// A node's name: `[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?`, and no `--` in it.
///
/// Cheap to clone. Ordered bytewise, which is the order of every tie-break.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeName(Arc<str>);

/// Why a text is no node's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text is empty.
    #[error("a name cannot be empty")]
    Empty,
    /// The text has more than [`MAX_NAME`] bytes.
    #[error("a name has at most {MAX_NAME} characters, this one has {0}")]
    TooLong(usize),
    /// The text has a character that a name cannot hold.
    #[error("a name holds letters, digits, `.`, `_` and `-` only, not {0:?}")]
    Character(char),
    /// The text begins or ends with a mark.
    #[error("a name begins and ends with a letter or a digit, not {0:?}")]
    Edge(char),
    /// The text holds `--`, which separates the two ends of a link.
    #[error("a name cannot hold `--`, which separates the ends of a link")]
    DoubleDash,
    /// A link's text has no `--` between two names.
    #[error("a link is written `a--b`")]
    NotALink,
    /// A link's two ends are the same node.
    #[error("a link joins two different nodes")]
    SelfLink,
}

impl NodeName {
    /// Takes `text` as a name.
    ///
    /// # Errors
    /// [`NameError`] says which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let (Some(first), Some(last)) = (text.chars().next(), text.chars().next_back()) else {
            return Err(NameError::Empty);
        };
        let is_mark = |c: char| matches!(c, '.' | '_' | '-');
        if let Some(c) = text.chars().find(|&c| !c.is_ascii_alphanumeric() && !is_mark(c)) {
            return Err(NameError::Character(c));
        }
        if let Some(c) = [first, last].into_iter().find(|&c| is_mark(c)) {
            return Err(NameError::Edge(c));
        }
        if text.contains("--") {
            return Err(NameError::DoubleDash);
        }
        if text.len() > MAX_NAME {
            return Err(NameError::TooLong(text.len()));
        }
        Ok(Self(text.into()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A client's name: its identity as text, reversibly.
///
/// An identity that is UTF-8 without control characters and without `@ # * :` is its own name; any
/// other is written `hex:` and its bytes in lower-case hexadecimal. The name is at most 514 bytes
/// long, since an identity has at most 255.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientName(Arc<str>);

impl ClientName {
    /// The name of a client with this identity.
    #[must_use]
    pub fn from_identity(identity: &[u8]) -> Self {
        let plain = std::str::from_utf8(identity).ok().filter(|text| {
            let reserved = |c: char| c.is_control() || matches!(c, '@' | '#' | '*' | ':');
            !text.is_empty() && !text.contains(reserved)
        });
        match plain {
            Some(text) => Self(text.into()),
            None => Self::hex(identity),
        }
    }

    /// The name of a client that gave itself no identity: always the hexadecimal form.
    #[must_use]
    pub fn hex(identity: &[u8]) -> Self {
        use fmt::Write as _;
        let mut text = String::with_capacity(HEX_PREFIX.len() + identity.len() * 2);
        text.push_str(HEX_PREFIX);
        for byte in identity {
            let _ = write!(text, "{byte:02x}");
        }
        Self(text.into())
    }

    /// The name under which a group is attached where it has a member, `#` and the group's: no client has it.
    pub(crate) fn group(group: &str) -> Self {
        Self(format!("#{group}").into())
    }

    /// Whether it is a group's.
    pub(crate) fn is_group(&self) -> bool {
        self.0.starts_with('#')
    }

    /// The name under which a client is attached that has registered this one in the broker dialect: `:` and the name, or
    /// its hexadecimal form where it has control characters.
    pub(crate) fn broker(name: &str) -> Self {
        if name.contains(char::is_control) || name.starts_with(HEX_PREFIX) {
            return Self(format!(":{}", Self::hex(name.as_bytes())).into());
        }
        Self(format!(":{name}").into())
    }

    /// Whether it is one registered in the broker dialect.
    pub(crate) fn is_broker(&self) -> bool {
        self.0.starts_with(':')
    }

    /// The identity that this name stands for.
    #[must_use]
    pub fn to_identity(&self) -> Vec<u8> {
        let Some(digits) = self.0.strip_prefix(HEX_PREFIX) else {
            return self.0.as_bytes().to_vec();
        };
        let digit = |c: u8| (c as char).to_digit(16).map_or(0, |value| value as u8);
        digits.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A link between two nodes, written `a--b` with the lesser name first.
///
/// There is one link for a pair of nodes, whichever of them dials. Ordered as the pair of its ends.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LinkName {
    lesser: NodeName,
    greater: NodeName,
}

impl LinkName {
    /// The link between `a` and `b`, given in either order.
    ///
    /// # Errors
    /// [`NameError::SelfLink`] where the two are the same node.
    pub fn new(a: NodeName, b: NodeName) -> Result<Self, NameError> {
        match a.cmp(&b) {
            std::cmp::Ordering::Less => Ok(Self { lesser: a, greater: b }),
            std::cmp::Ordering::Greater => Ok(Self { lesser: b, greater: a }),
            std::cmp::Ordering::Equal => Err(NameError::SelfLink),
        }
    }

    /// Takes `a--b`, in either order, as a link.
    ///
    /// # Errors
    /// [`NameError`] says which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let (a, b) = text.split_once("--").ok_or(NameError::NotALink)?;
        Self::new(NodeName::parse(a)?, NodeName::parse(b)?)
    }

    /// The end with the lesser name.
    #[must_use]
    pub fn lesser(&self) -> &NodeName {
        &self.lesser
    }

    /// The end with the greater name.
    #[must_use]
    pub fn greater(&self) -> &NodeName {
        &self.greater
    }

    /// The end that is not `node`, or none where `node` is no end of this link.
    #[must_use]
    pub fn other(&self, node: &NodeName) -> Option<&NodeName> {
        if *node == self.lesser {
            Some(&self.greater)
        } else if *node == self.greater {
            Some(&self.lesser)
        } else {
            None
        }
    }
}

macro_rules! text_type {
    ($type:ty) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
        impl Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.as_str().to_owned()
            }
        }
    };
}
text_type!(NodeName);
text_type!(ClientName);

impl FromStr for NodeName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for NodeName {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(&text)
    }
}

impl FromStr for LinkName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for LinkName {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(&text)
    }
}

impl From<LinkName> for String {
    fn from(link: LinkName) -> Self {
        link.to_string()
    }
}

impl fmt::Display for LinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}--{}", self.lesser, self.greater)
    }
}

impl fmt::Debug for LinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_name_keeps_to_its_alphabet() {
        for good in ["a", "top", "a.b_c-d", "A1", &"x".repeat(64)] {
            assert!(NodeName::parse(good).is_ok(), "{good}");
        }
        let long = "x".repeat(65);
        for (bad, why) in [
            ("", NameError::Empty),
            ("-a", NameError::Edge('-')),
            ("a.", NameError::Edge('.')),
            ("a--b", NameError::DoubleDash),
            ("a b", NameError::Character(' ')),
            ("caf\u{e9}", NameError::Character('\u{e9}')),
            (long.as_str(), NameError::TooLong(65)),
        ] {
            assert_eq!(NodeName::parse(bad), Err(why), "{bad}");
        }
    }

    #[test]
    fn a_link_is_one_thing_whichever_end_is_named_first() {
        assert_eq!(LinkName::parse("top--east").unwrap(), LinkName::parse("east--top").unwrap());
        assert_eq!(LinkName::parse("top--east").unwrap().to_string(), "east--top");
        assert_eq!(LinkName::parse("a--a"), Err(NameError::SelfLink));
        assert_eq!(LinkName::parse("a-b"), Err(NameError::NotALink));
    }

    proptest::proptest! {
        #[test]
        fn an_identity_comes_back_from_its_name(identity in proptest::collection::vec(proptest::num::u8::ANY, 1..=255)) {
            let name = ClientName::from_identity(&identity);
            proptest::prop_assert_eq!(name.to_identity(), identity.clone());
            proptest::prop_assert_eq!(ClientName::hex(&identity).to_identity(), identity);
        }

        #[test]
        fn no_two_identities_share_a_name(a in proptest::collection::vec(proptest::num::u8::ANY, 1..=6), b in proptest::collection::vec(proptest::num::u8::ANY, 1..=6)) {
            proptest::prop_assume!(a != b);
            proptest::prop_assert_ne!(ClientName::from_identity(&a), ClientName::from_identity(&b));
        }
    }

    #[test]
    fn text_with_reserved_marks_is_written_in_hexadecimal() {
        assert_eq!(ClientName::from_identity(b"alice").as_str(), "alice");
        assert_eq!(ClientName::from_identity(b"upstream").as_str(), "upstream");
        assert_eq!(ClientName::from_identity(b"a@b").as_str(), "hex:614062");
        assert_eq!(ClientName::from_identity(b"\xff\x00").as_str(), "hex:ff00");
        assert_eq!(ClientName::from_identity("caf\u{e9}".as_bytes()).as_str(), "caf\u{e9}");
    }
}
