//! A client that sends numbered messages, and what became of them.

use std::collections::BTreeSet;

use bytes::Bytes;
use hopline_mesh::wire::{Class, Kind, MessageId, Path, Prefix, Tail};
use hopline_testkit::simulation::{ClientId, Simulation};

use crate::LEAVING;

/// A client that sends numbered messages, and what became of them.
pub(crate) struct Sender {
    client: ClientId,
    pub(crate) to: &'static str,
    class: Class,
    pub(crate) sent: u64,
    /// The reasons that it was told, with the numbers.
    pub(crate) told: Vec<(u64, String)>,
}

impl Sender {
    pub(crate) fn new(
        mesh: &mut Simulation,
        node: &str,
        name: &str,
        to: &'static str,
        class: Class,
    ) -> Self {
        Self { client: mesh.attach_native(node, Some(name)), to, class, sent: 0, told: Vec::new() }
    }

    /// It does not read, or does again.
    pub(crate) fn stall(&self, mesh: &mut Simulation, stalled: bool) {
        mesh.stall(self.client, stalled);
    }

    /// Its machine stands still, or goes on.
    pub(crate) fn stand_still(&self, mesh: &mut Simulation, still: bool) {
        mesh.silence(self.client, still);
    }

    pub(crate) fn send(&mut self, mesh: &mut Simulation) {
        self.send_of(mesh, 100);
    }

    pub(crate) fn send_of(&mut self, mesh: &mut Simulation, bytes: usize) {
        let id = MessageId { incarnation: 7, counter: self.sent };
        self.sent += 1;
        let prefix =
            Prefix { id, class: self.class, destination: self.to, ..Prefix::new(Kind::Data) };
        mesh.send(self.client, vec![prefix.write(), Bytes::new(), Bytes::from(vec![7; bytes])]);
    }

    pub(crate) fn hear(&mut self, mesh: &mut Simulation) {
        for frames in mesh.take(self.client) {
            let prefix = Prefix::read(&frames[0]).unwrap();
            if prefix.kind == Kind::Error {
                let tail = Tail::read(prefix.tail).unwrap();
                self.told.push((tail.correlation.unwrap().counter, tail.reason.unwrap()));
            }
        }
    }

    /// Whether the node said that it takes no more.
    pub(crate) fn is_sent_away(&self) -> bool {
        self.told.iter().any(|(_, reason)| reason == LEAVING)
    }

    /// Every message was handed over once, or its sender was told, and not both.
    pub(crate) fn assert_nothing_lost(&self, mesh: &Simulation, receiver: ClientId, from: &str) {
        let ends = self.assert_none_unknown(mesh, receiver, from);
        let known: BTreeSet<u64> = ends.iter().copied().collect();
        assert_eq!(ends.len(), known.len(), "{from} to {}: both, or twice", self.to);
    }

    /// Every message was handed over, or its sender was told, or both. Gives back what was.
    pub(crate) fn assert_none_unknown(
        &self,
        mesh: &Simulation,
        receiver: ClientId,
        from: &str,
    ) -> Vec<u64> {
        let read = |frames: &Vec<Bytes>| {
            let prefix = Prefix::read(&frames[0]).unwrap();
            let is_its = prefix.kind == Kind::Data && prefix.source == from;
            is_its.then_some(prefix.id.counter)
        };
        let mut ends: Vec<u64> = mesh.handed(receiver).iter().filter_map(read).collect();
        let handed: BTreeSet<u64> = ends.iter().copied().collect();
        assert_eq!(ends.len(), handed.len(), "{from} to {}: delivered twice", self.to);
        ends.extend(self.told.iter().map(|(number, _)| *number));
        let known: BTreeSet<u64> = ends.iter().copied().collect();
        let lost: Vec<u64> = (0..self.sent).filter(|number| !known.contains(number)).collect();
        assert!(lost.is_empty(), "{from} to {}: {lost:?} of {} are lost", self.to, self.sent);
        ends
    }
}

/// The nodes that the last message to a client came by.
pub(crate) fn last_way(mesh: &Simulation, client: ClientId) -> Vec<String> {
    let path = &mesh.handed(client).last().unwrap()[1];
    Path::read(path).unwrap().nodes()
}
