//! Why a message was not delivered.

use std::fmt;

use crate::route::Refusal;

/// Why a message was not delivered. Its text is stable: senders are told it, and it is the name of
/// the counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The route to it said no.
    Refused(Refusal),
    /// The link on which it was sent died before the neighbour acknowledged it.
    InDoubt,
    /// The receiver does not read what is sent to it.
    ReceiverSlow,
    /// The receiver went away while the message was handed to it.
    ReceiverGone,
    /// The deadline of a confirmed message passed before it was known to have arrived.
    Deadline,
    /// A confirmed message of the same sender with the same id is under way.
    Repeated,
    /// The sender's name belongs to somebody else.
    NameInUse,
    /// The sender's name is that of a service which this node does not offer.
    NotOffered,
    /// With the path that was added to it the message is larger than a message may be.
    TooLarge,
    /// The receiver takes no such message.
    NotAccepted,
    /// The node does not do what was asked.
    NotAllowed,
    /// The message is not what it should be.
    Malformed,
    /// The node at which it entered is about to end.
    Leaving,
}

impl Reason {
    /// The reason in words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.reason(),
            Self::InDoubt => "in doubt",
            Self::ReceiverSlow => "receiver slow",
            Self::ReceiverGone => "receiver gone",
            Self::Deadline => "deadline passed",
            Self::Repeated => "repeated",
            Self::NameInUse => "name in use",
            Self::NotOffered => "not offered here",
            Self::TooLarge => "too large",
            Self::NotAccepted => "not accepted",
            Self::NotAllowed => "not allowed",
            Self::Malformed => "malformed message",
            Self::Leaving => "node leaving",
        }
    }

    /// Whether what is behind a reason, given in words, may pass while a confirmed message waits: the way or
    /// the room is missing. All else, and what a later version says, ends it.
    #[must_use]
    pub(crate) fn may_pass(text: &str) -> bool {
        let passing = [
            Self::InDoubt,
            Refusal::Loop.into(),
            Refusal::Unreachable.into(),
            Refusal::NextHopIsSource.into(),
            Refusal::QueueFull.into(),
        ];
        passing.iter().any(|reason: &Self| reason.text() == text)
    }
}

impl From<Refusal> for Reason {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}
