//! What can be wrong with bytes from a stranger.

use super::VERSION;

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The bytes end before what they announce.
    #[error("the message ends inside its {0}")]
    Truncated(&'static str),
    /// The first frame does not begin with the magic.
    #[error("the message does not begin with the magic of the native dialect")]
    Magic,
    /// The version is not ours.
    #[error("the message has version {0}, this node speaks version {VERSION}")]
    Version(u8),
    /// The kind is none that this version knows.
    #[error("the message has kind {0}, which version {VERSION} of this node does not know")]
    Kind(u8),
    /// The class is none that this version knows.
    #[error(
        "the message has delivery class {0}, which version {VERSION} of this node does not know"
    )]
    Class(u8),
    /// A text is not UTF-8.
    #[error("the {0} is not UTF-8")]
    Text(&'static str),
    /// Something is longer than it may be.
    #[error("the {0} is longer than it may be")]
    TooLong(&'static str),
    /// Bytes are left over behind the end.
    #[error("bytes are left over behind the {0}")]
    Trailing(&'static str),
    /// The MessagePack behind the fixed part cannot be read.
    #[error("the {0} is not the MessagePack that it should be")]
    Pack(&'static str),
    /// A frame that must be there is missing.
    #[error("the message has no {0} frame")]
    Missing(&'static str),
}

impl WireError {
    /// The name under which a message with this error is counted.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Truncated(_) => "truncated message",
            Self::Magic => "wrong magic",
            Self::Version(_) => "wrong version",
            Self::Kind(_) => "unknown kind",
            Self::Class(_) => "unknown class",
            Self::Text(_)
            | Self::TooLong(_)
            | Self::Trailing(_)
            | Self::Pack(_)
            | Self::Missing(_) => "malformed message",
        }
    }
}
