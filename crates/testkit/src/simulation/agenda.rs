//! What is going to happen, and when.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use hopline_mesh::brain::{Command, Opened};
use hopline_mesh::name::NodeName;
use hopline_mesh::wire::hello::Hello;
use hopline_mesh::wire::{Kind, Prefix};

use super::pipes::{PipeId, Side};

/// One thing that happens.
#[derive(Debug, Clone)]
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
    /// A node is given an order.
    Order(NodeName, Command),
    /// A node has finished what it did and turns to what waits for it.
    Free(NodeName),
}

impl Happening {
    /// Whether a mesh is not quiet before this has happened. Of a dial that depends on who is there.
    pub(super) fn is_awaited(&self) -> bool {
        match self {
            Self::Opened(..) | Self::Ended(..) | Self::Answered(..) | Self::Order(..) => true,
            Self::Frames(_, _, frames) => !is_beat(frames),
            Self::Dial(..) | Self::Free(_) => false,
        }
    }
}

/// Whether a message is nothing but a sign of life.
fn is_beat(frames: &[Bytes]) -> bool {
    let is_hello = |frame: &Bytes| Prefix::read(frame).is_ok_and(|it| it.kind == Kind::Hello);
    frames.first().is_some_and(is_hello)
        && frames.get(2).is_some_and(|word| matches!(Hello::read(word), Ok(Hello::Alive { .. })))
}

type Due = (Duration, u64);

/// All that is going to happen, by time, then in the order in which it was noted.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    entries: BTreeMap<Due, (Happening, bool)>,
    dials: BTreeSet<Due>,
    /// How many entries are awaited.
    awaited: usize,
    noted: u64,
}

impl Agenda {
    pub(super) fn note(&mut self, due: Duration, happening: Happening) {
        self.noted += 1;
        let due = (due, self.noted);
        let is_awaited = happening.is_awaited();
        self.awaited += usize::from(is_awaited);
        if matches!(happening, Happening::Dial(..)) {
            self.dials.insert(due);
        }
        self.entries.insert(due, (happening, is_awaited));
    }

    pub(super) fn pop(&mut self) -> Option<(Duration, Happening)> {
        let (due, (happening, is_awaited)) = self.entries.pop_first()?;
        self.awaited -= usize::from(is_awaited);
        self.dials.remove(&due);
        Some((due.0, happening))
    }

    pub(super) fn next_time(&self) -> Option<Duration> {
        self.entries.first_key_value().map(|((due, _), _)| *due)
    }

    /// Whether all that is awaited is that nodes dial neighbours of whom this is true, the dialling node first.
    pub(super) fn only_dials(&self, in_vain: impl Fn(&NodeName, &NodeName) -> bool) -> bool {
        let dials = self.dials.iter().filter_map(|due| self.entries.get(due));
        self.awaited == 0
            && dials.into_iter().all(|(happening, _)| match happening {
                Happening::Dial(node, neighbour) => in_vain(node, neighbour),
                Happening::Opened(..)
                | Happening::Frames(..)
                | Happening::Ended(..)
                | Happening::Answered(..)
                | Happening::Order(..)
                | Happening::Free(_) => false,
            })
    }

    /// Takes off all that is in flight on a pipe.
    pub(super) fn lose(&mut self, pipe: PipeId) {
        let awaited = &mut self.awaited;
        self.entries.retain(|_, (happening, is_awaited)| {
            let is_lost = match happening {
                Happening::Dial(..)
                | Happening::Answered(..)
                | Happening::Order(..)
                | Happening::Free(_) => false,
                Happening::Opened(other, ..)
                | Happening::Frames(other, ..)
                | Happening::Ended(other, ..) => *other == pipe,
            };
            *awaited -= usize::from(is_lost && *is_awaited);
            !is_lost
        });
    }
}
