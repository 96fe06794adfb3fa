//! Looks at what passes between two nodes, and ends the test where a rule is broken.

use std::time::Duration;

use bytes::Bytes;
use hopline_mesh::brain::Window;
use hopline_mesh::wire::link_state::LinkAck;
use hopline_mesh::wire::{Kind, Path, Prefix, batch};

use super::pipes::Side;

/// What has been seen on one pipe.
#[derive(Debug)]
pub(super) struct Tap {
    window: Window,
    dialler: Direction,
    listener: Direction,
}

/// What one end has sent.
#[derive(Debug, Default)]
struct Direction {
    /// The sizes of the messages that are not acknowledged.
    sent: std::collections::VecDeque<(u64, usize)>,
}

impl Tap {
    pub(super) fn new(window: Window) -> Self {
        Self { window, dialler: Direction::default(), listener: Direction::default() }
    }

    /// One end sends a message.
    pub(super) fn sent(&mut self, now: Duration, from: Side, frames: &[Bytes]) {
        let Some(Ok(prefix)) = frames.first().map(|frame| Prefix::read(frame)) else {
            return;
        };
        match prefix.kind {
            Kind::Batch => {
                let members = batch::read(frames.get(2).cloned().unwrap_or_default());
                for member in members.flatten() {
                    self.routed(now, from, &member);
                }
            }
            kind if kind.is_routed() => self.routed(now, from, frames),
            _ => {}
        }
    }

    /// A message has come to one end: an acknowledgement there makes room in its window.
    pub(super) fn arrived(&mut self, at: Side, frames: &[Bytes]) {
        let Some(Ok(prefix)) = frames.first().map(|frame| Prefix::read(frame)) else {
            return;
        };
        if prefix.kind != Kind::LinkAck {
            return;
        }
        if let Some(Ok(ack)) = frames.get(2).map(|frame| LinkAck::read(frame)) {
            let sent = &mut self.direction(at).sent;
            sent.retain(|(sequence, _)| *sequence > ack.messages);
        }
    }

    fn routed(&mut self, now: Duration, from: Side, frames: &[Bytes]) {
        let Some(Ok(path)) = frames.get(1).map(|frame| Path::read(frame)) else {
            panic!("at {now:?} a node sent a message without a path");
        };
        let mut nodes = path.nodes();
        let visits = nodes.len();
        nodes.sort();
        nodes.dedup();
        assert!(
            nodes.len() == visits && visits > 0,
            "at {now:?} a message visits a node twice: {:?}",
            path.nodes()
        );
        let size = frames.iter().map(Bytes::len).sum();
        let window = self.window;
        let sent = &mut self.direction(from).sent;
        sent.push_back((path.sequence(), size));
        assert!(
            sent.len() <= window.messages.max(1),
            "at {now:?} a neighbour was sent more messages than its window"
        );
    }

    fn direction(&mut self, side: Side) -> &mut Direction {
        match side {
            Side::Dialler => &mut self.dialler,
            Side::Listener => &mut self.listener,
        }
    }
}
