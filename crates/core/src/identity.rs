//! Who a peer says it is, and which connection it is.

use std::fmt;

use bytes::Bytes;
use thiserror::Error;

/// The routing id of a peer: 1 to 255 bytes of any value.
///
/// A peer's own begins with no zero: those are for identities that a ROUTER makes (RFC 28), and who says
/// one is refused.
///
/// It is what the peer says of itself (property `Identity` of its READY, RFC 23), or 16 random
/// bytes made here for a peer that says nothing. It proves nothing; who a peer *is* has to be
/// shown by other means.
///
/// Printed as text where it is plain text, else as `hex:...`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity(Bytes);

impl Identity {
    /// The most bytes an identity may have.
    pub const MAX_LEN: usize = 255;

    /// Takes the bytes as an identity.
    ///
    /// # Errors
    /// If there are no bytes, or more than [`Identity::MAX_LEN`].
    pub fn new(bytes: impl Into<Bytes>) -> Result<Self, IdentityError> {
        let bytes = bytes.into();
        match bytes.len() {
            0 => Err(IdentityError::Empty),
            1..=Self::MAX_LEN => Ok(Self(bytes)),
            len => Err(IdentityError::TooLong { len }),
        }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, shared.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// Whether it is of the kind that a ROUTER makes and no peer may say of itself: its first byte is
    /// zero (RFC 28).
    pub(crate) fn is_made(&self) -> bool {
        self.0.first() == Some(&0)
    }

    /// An identity for a peer without one: 16 random bytes, the first of them zero, which no
    /// peer may say of itself (RFC 28).
    pub(crate) fn made() -> Self {
        let mut bytes = [0; 16];
        if getrandom::fill(&mut bytes).is_err() {
            fastrand::fill(&mut bytes);
        }
        if let Some(first) = bytes.first_mut() {
            *first = 0;
        }
        Self(Bytes::copy_from_slice(&bytes))
    }
}

impl AsRef<[u8]> for Identity {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl TryFrom<&str> for Identity {
    type Error = IdentityError;

    fn try_from(text: &str) -> Result<Self, IdentityError> {
        Self::new(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match std::str::from_utf8(&self.0) {
            Ok(text) if !text.chars().any(char::is_control) => f.write_str(text),
            _ => {
                f.write_str("hex:")?;
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({self})")
    }
}

/// Why bytes are no [`Identity`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum IdentityError {
    /// There are none.
    #[error("an identity has at least one byte")]
    Empty,
    /// There are more than 255.
    #[error("an identity has at most 255 bytes, not {len}")]
    TooLong {
        /// How many there are.
        len: usize,
    },
}

/// One connection of one [`Router`](crate::Router): never used again for another.
///
/// A peer that connects again under the same identity gets another id, so that what is meant for
/// the old connection never goes to the new one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PeerId(pub(crate) u64);

impl PeerId {
    /// The connection's number on its router, counted from 1.
    pub fn number(self) -> u64 {
        self.0
    }

    /// The connection of this number.
    pub fn from_number(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_have_1_to_255_bytes() {
        assert_eq!(Identity::new(Bytes::new()), Err(IdentityError::Empty));
        assert!(Identity::new(vec![0xFE; 255]).is_ok());
        assert_eq!(Identity::new(vec![1; 256]), Err(IdentityError::TooLong { len: 256 }));
    }

    #[test]
    fn identities_print_as_text_or_hex() {
        let shown = |bytes: &'static [u8]| Identity::new(bytes).expect("short").to_string();
        assert_eq!(shown(b"alice"), "alice");
        assert_eq!(shown(b"\xff\x00"), "hex:ff00");
    }

    #[test]
    fn made_identities_differ() {
        assert_ne!(Identity::made(), Identity::made());
    }
}
