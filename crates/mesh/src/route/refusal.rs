//! Why a message goes no further: the reasons that [`decide`](super::decide()) gives.

use std::fmt;

/// Why a message goes no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// The destination has not the form of an address.
    BadAddress,
    /// The destination is a group or everyone, which this version does not deliver to.
    UnsupportedAddress,
    /// This node is on the message's path already.
    Loop,
    /// The rest of the way would make the path longer than the hop limit.
    HopLimit,
    /// Nobody is known by that name.
    UnknownDestination,
    /// The destination is known, and there is no way to the node it is at.
    Unreachable,
    /// The next hop is the neighbour that the message came from.
    NextHopIsSource,
    /// The queue to the next hop is full.
    QueueFull,
    /// No access rule lets its sender attach or send there. [`Access`](super::access::Access) says so
    /// where the sender is, and before anything is decided.
    AccessDenied,
}

impl Refusal {
    /// All there are, for counters.
    pub const ALL: [Self; 9] = [
        Self::BadAddress,
        Self::UnsupportedAddress,
        Self::Loop,
        Self::HopLimit,
        Self::UnknownDestination,
        Self::Unreachable,
        Self::NextHopIsSource,
        Self::QueueFull,
        Self::AccessDenied,
    ];

    /// The reason as errors and counters write it. Part of the interface: it never changes.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::BadAddress => "bad address",
            Self::UnsupportedAddress => "unsupported address",
            Self::Loop => "loop",
            Self::HopLimit => "hop limit",
            Self::UnknownDestination => "unknown destination",
            Self::Unreachable => "unreachable",
            Self::NextHopIsSource => "next hop is source",
            Self::QueueFull => "queue full",
            Self::AccessDenied => "access denied",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.reason())
    }
}
