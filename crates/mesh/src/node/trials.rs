//! Strangers that came when clients had all places: each may prove that it is a node, and nothing else.

use std::collections::HashMap;

use hopline_core::{Frames, PeerId};

use crate::brain::Opened;
use crate::wire::hello::Hello;
use crate::wire::{Kind, Prefix};

/// Strangers on trial of which the brain does not know.
#[derive(Debug, Default)]
pub(super) struct Trials(HashMap<PeerId, Trial>);

#[derive(Debug)]
enum Trial {
    /// It has said nothing.
    Silent(Opened),
    /// It has said something else than a node does.
    Failed,
}

/// What a message comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// It is for the brain.
    Known,
    /// It is for the brain, which has to hear of the connection first.
    Node(Opened),
    /// It is for nobody: its sender has to go.
    Stranger,
}

impl Trials {
    /// A stranger is on trial.
    pub(super) fn begin(&mut self, peer: PeerId, opened: Opened) {
        self.0.insert(peer, Trial::Silent(opened));
    }

    /// A message came.
    pub(super) fn heard(&mut self, peer: PeerId, frames: &Frames) -> Heard {
        match self.0.remove(&peer) {
            None => Heard::Known,
            Some(Trial::Silent(opened)) if opens_a_link(frames) => Heard::Node(opened),
            Some(Trial::Silent(_) | Trial::Failed) => {
                self.0.insert(peer, Trial::Failed);
                Heard::Stranger
            }
        }
    }

    /// A connection has ended; says whether the brain never heard of it.
    pub(super) fn ended(&mut self, peer: PeerId) -> bool {
        self.0.remove(&peer).is_some()
    }
}

fn opens_a_link(frames: &Frames) -> bool {
    let is_hello = |header| Prefix::read(header).is_ok_and(|prefix| prefix.kind == Kind::Hello);
    let [header, _, payload, ..] = frames.as_slice() else {
        return false;
    };
    is_hello(header) && matches!(Hello::read(payload), Ok(Hello::Open { .. }))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::name::NodeName;

    fn hello(hello: &Hello) -> Frames {
        vec![Prefix::new(Kind::Hello).write(), Bytes::new(), hello.write()]
    }

    #[test]
    fn on_trial_only_a_node_is_heard() {
        let (mut trials, peer) = (Trials::default(), PeerId::from_number(1));
        let opened = Opened::Accepted { identity: None, request: false, operator: false };
        let node = NodeName::parse("east").unwrap();
        let open = hello(&Hello::Open { mesh: "m".to_owned(), node, nonce: [1; 32] });
        assert_eq!(trials.heard(peer, &open), Heard::Known);

        trials.begin(peer, opened.clone());
        assert_eq!(trials.heard(peer, &open), Heard::Node(opened.clone()));
        assert_eq!(trials.heard(peer, &open), Heard::Known);
        assert!(!trials.ended(peer));

        for other in [hello(&Hello::Client {}), vec![Bytes::from_static(b"{}")], Vec::new()] {
            trials.begin(peer, opened.clone());
            assert_eq!(trials.heard(peer, &other), Heard::Stranger);
            assert_eq!(trials.heard(peer, &open), Heard::Stranger, "it had its turn");
            assert!(trials.ended(peer));
        }
    }
}
