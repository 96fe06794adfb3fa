//! What is going to happen, and when.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use hopline_mesh::brain::Opened;
use hopline_mesh::name::NodeName;

use super::pipes::{PipeId, Side};

/// One thing that happens.
#[derive(Debug)]
pub(super) enum Happening {
    /// A node dials a neighbour.
    Dial(NodeName, NodeName),
    /// One end of a pipe hears that it is open.
    Opened(PipeId, Side, Opened),
    /// A message arrives at one end of a pipe.
    Frames(PipeId, Side, Vec<Bytes>),
    /// One end of a pipe hears that it has ended.
    Ended(PipeId, Side),
    /// A node hears whether a client is there that it has asked.
    Answered(NodeName, PipeId, bool),
}

/// All that is going to happen, by time, then in the order in which it was noted.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    entries: BTreeMap<(Duration, u64), Happening>,
    noted: u64,
}

impl Agenda {
    pub(super) fn note(&mut self, due: Duration, happening: Happening) {
        self.noted += 1;
        self.entries.insert((due, self.noted), happening);
    }

    pub(super) fn pop(&mut self) -> Option<(Duration, Happening)> {
        let ((due, _), happening) = self.entries.pop_first()?;
        Some((due, happening))
    }

    pub(super) fn next_time(&self) -> Option<Duration> {
        self.entries.keys().next().map(|(due, _)| *due)
    }

    /// Whether all that is going to happen is that nodes dial these neighbours.
    pub(super) fn only_dials(&self, absent: impl Fn(&NodeName) -> bool) -> bool {
        self.entries.values().all(|happening| match happening {
            Happening::Dial(_, neighbour) => absent(neighbour),
            Happening::Opened(..)
            | Happening::Frames(..)
            | Happening::Ended(..)
            | Happening::Answered(..) => false,
        })
    }

    /// Takes off all that is in flight on a pipe.
    pub(super) fn lose(&mut self, pipe: PipeId) {
        self.entries.retain(|_, happening| match happening {
            Happening::Dial(..) | Happening::Answered(..) => true,
            Happening::Opened(other, ..)
            | Happening::Frames(other, ..)
            | Happening::Ended(other, ..) => *other != pipe,
        });
    }
}
