//! A routed message as a node holds it: its frames, checked once and not parsed again.

use bytes::Bytes;
use hopline_core::Frames;

use super::outbox::Lane;
use crate::name::NodeName;
use crate::wire::{Flags, Kind, Path, Prefix, Tail, WireError, targets};

/// A message between its arrival and its hand-over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// Header, path, payload: at least two.
    frames: Frames,
    kind: Kind,
    traced: bool,
    size: usize,
    /// The neighbour that it came from, or none where it entered the mesh here.
    pub(super) ingress: Option<NodeName>,
    /// When it arrived, in nanoseconds of Unix time.
    pub(super) arrived: u64,
    /// The first bits of the revision of the table that says where it goes from here, once one has.
    pub(super) sent_by: Option<u32>,
    /// When an error that waited here for a way is given up.
    pub(super) given_up: Option<std::time::Duration>,
}

impl Message {
    /// A message from outside, or why it is none.
    pub(super) fn read(frames: Frames) -> Result<Self, WireError> {
        let header = frames.first().ok_or(WireError::Missing("first"))?;
        let path = frames.get(1).ok_or(WireError::Missing("path"))?;
        let Prefix { kind, flags, .. } = Prefix::read(header)?;
        let traced = flags.has(Flags::TRACE);
        Path::read(path)?;
        Ok(Self::of(frames, kind, traced))
    }

    /// A message that enters the mesh here.
    pub(super) fn new(prefix: &Prefix<'_>, payload: impl IntoIterator<Item = Bytes>) -> Self {
        let mut frames = vec![prefix.write(), Bytes::new()];
        frames.extend(payload);
        Self::of(frames, prefix.kind, prefix.flags.has(Flags::TRACE))
    }

    fn of(frames: Frames, kind: Kind, traced: bool) -> Self {
        let size = frames.iter().map(Bytes::len).sum();
        let (ingress, sent_by, given_up) = (None, None, None);
        Self { frames, kind, traced, size, ingress, arrived: 0, sent_by, given_up }
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether a node itself made it: its source is the bare name of the node where it entered the mesh,
    /// which is `me` if no other has handled it. A client of that name is `name@node` there, and a client
    /// that is called like another node has not entered there.
    pub(super) fn is_from_node(&self, me: &NodeName) -> bool {
        let entered = self.path().stamps().next();
        self.prefix().source == entered.map_or(me.as_str(), |stamp| stamp.node)
    }

    /// Sends it to another destination.
    pub(super) fn redirect(&mut self, destination: &str) {
        let header = Prefix { destination, ..self.prefix() }.write();
        self.size = self.size - self.frames[0].len() + header.len();
        self.frames[0] = header;
    }

    /// It goes on from this node, `me`, as if it had been nowhere but where it set out, and may visit so many nodes less.
    pub(super) fn set_out_anew(&mut self, me: &NodeName) {
        let path = self.path();
        let first = path.stamps().next().filter(|first| first.node != me.as_str());
        let visited = path.len() - usize::from(first.is_some());
        let anew = first.map(|first| Path::trusted(&[]).stamped(&first, 0)).unwrap_or_default();
        let prefix = self.prefix();
        let visited = u8::try_from(visited).unwrap_or(u8::MAX);
        let hop_limit = prefix.hop_limit.saturating_sub(visited);
        let header = Prefix { hop_limit, ..prefix }.write();
        (self.frames[0], self.frames[1], self.ingress) = (header, anew, None);
        self.size = self.frames.iter().map(Bytes::len).sum();
    }

    /// Notes whether it may have arrived before, because it was sent again.
    pub(super) fn mark_resent(&mut self, resent: bool) {
        self.mark(Flags::RESENT, resent);
    }

    fn mark(&mut self, mark: Flags, set: bool) {
        let marks = Prefix::marks(&self.frames[0]);
        let rest = marks.without(mark);
        let marked = if set { rest.with(mark) } else { rest };
        if marked != marks {
            self.frames[0] = Prefix::marked(&self.frames[0], marked);
        }
    }

    /// Whether stamps carry times.
    pub(super) fn is_traced(&self) -> bool {
        self.traced
    }

    /// How much the message counts for in a window.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Whether the message has too many frames to travel in a batch.
    pub(super) fn is_alone(&self) -> bool {
        self.frames.len() > usize::from(u8::MAX)
    }

    pub(super) fn prefix(&self) -> Prefix<'_> {
        Prefix::trusted(&self.frames[0])
    }

    pub(super) fn path(&self) -> Path<'_> {
        Path::trusted(&self.frames[1])
    }

    pub(super) fn path_frame(&self) -> &Bytes {
        &self.frames[1]
    }

    pub(super) fn payload(&self) -> &[Bytes] {
        &self.frames[2..]
    }

    /// A copy that is for these nodes.
    pub(super) fn for_nodes(&self, nodes: &[NodeName]) -> Self {
        let payload = self.payload().get(usize::from(self.is_spread())..).unwrap_or_default();
        let mut frames = Frames::with_capacity(self.frames.len() + 1);
        frames.extend([self.frames[0].clone(), self.frames[1].clone(), targets::write(nodes)]);
        frames.extend_from_slice(payload);
        self.with(frames, true)
    }

    /// A copy for one client, which does not say any more which nodes it is for.
    pub(super) fn for_one(&self) -> Self {
        let mut frames = self.frames.clone();
        if self.is_spread() && frames.len() > 2 {
            frames.remove(2);
        }
        self.with(frames, false)
    }

    fn with(&self, frames: Frames, spread: bool) -> Self {
        let size = frames.iter().map(Bytes::len).sum();
        let mut copy = Self { frames, size, ingress: self.ingress.clone(), ..*self };
        copy.mark(Flags::SPREAD, spread);
        copy
    }

    /// Whether it is one copy of a message to several.
    pub(super) fn is_spread(&self) -> bool {
        self.kind == Kind::Data && Prefix::marks(&self.frames[0]).has(Flags::SPREAD)
    }

    /// Whether a client sent it in the broker dialect, and it is written as its receiver gets it.
    pub(super) fn is_brokered(&self) -> bool {
        self.kind == Kind::Data && Prefix::marks(&self.frames[0]).has(Flags::BROKER)
    }

    /// The nodes that a copy is for.
    pub(super) fn targets(&self) -> Result<Vec<NodeName>, WireError> {
        targets::read(self.payload().first().ok_or(WireError::Missing("targets"))?)
    }

    /// Whose turn it is when it waits for a neighbour: that of the node where it entered. What is told there of such
    /// messages keeps its order, too: that one has come to its end, and that those before it have.
    pub(super) fn lane(&self) -> Lane {
        if let Some(told) = self.told_at() {
            return Lane::of(&told);
        }
        self.path().stamps().next().map_or(Lane::HERE, |entered| Lane::of(entered.node))
    }

    /// The node that sent what this is an error or a credit for.
    fn told_at(&self) -> Option<String> {
        match self.kind {
            Kind::Error => {
                let failed = Path::read(self.payload().first()?).ok()?;
                Some(failed.stamps().next()?.node.to_owned())
            }
            Kind::Credit => {
                let prefix = self.prefix();
                Tail::read(prefix.tail).ok()?.correlation?;
                Some(prefix.destination.to_owned())
            }
            Kind::Data
            | Kind::Reply
            | Kind::Ack
            | Kind::Probe
            | Kind::Hello
            | Kind::LinkState
            | Kind::LinkAck
            | Kind::Batch
            | Kind::Control => None,
        }
    }

    /// All frames, the path replaced.
    pub(super) fn into_frames(mut self, path: Bytes) -> Frames {
        self.frames[1] = path;
        self.frames
    }

    /// Copies of all frames, the path replaced.
    pub(super) fn frames(&self, path: Bytes) -> Frames {
        let mut frames = Vec::with_capacity(self.frames.len());
        frames.extend([self.frames[0].clone(), path]);
        frames.extend_from_slice(self.payload());
        frames
    }

    /// All frames as they are.
    pub(super) fn as_frames(&self) -> &[Bytes] {
        &self.frames
    }
}
