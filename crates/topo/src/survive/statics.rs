//! Which messages between nodes a failure can touch, where static routes have a say in their ways.

use hopline_mesh::name::{LinkName, NodeName};
use hopline_mesh::route::{Down, NextHop, Walker};

use super::cases::Parts;
use crate::offline::Offline;

/// By number of the part: the messages, from and to, that its failure can touch; those alone that
/// arrive while nothing has failed, and are for a node that a static route somewhere is for.
///
/// A message goes the way it went while no node on that way decides anew. One without a static route
/// for the destination decides anew only where its best way fails; one with such a route also where a
/// link of its own fails, or the best way to the next hop that the route names.
#[derive(Debug, Default)]
pub(super) struct Statics {
    concerned: Vec<Vec<(u32, u32)>>,
}

impl Statics {
    pub(super) fn new(
        mesh: &Offline,
        parts: &Parts,
        names: &[NodeName],
        is_computed: &[bool],
    ) -> Self {
        if is_computed.iter().all(|is_computed| *is_computed) {
            return Self::default();
        }
        let mut statics = Self { concerned: vec![Vec::new(); parts.len()] };
        let walker = mesh.walker();
        let mut touched = Touched { mesh, parts, walker, numbers: Vec::new() };
        for ((to, name), _) in (0..).zip(names).zip(is_computed).filter(|(_, is)| !**is) {
            for (from, source) in (0..).zip(names) {
                for number in touched.by(source, name) {
                    statics.concerned[number as usize].push((from, to));
                }
            }
        }
        statics
    }

    pub(super) fn is_empty(&self) -> bool {
        self.concerned.is_empty()
    }

    /// The messages, from and to, that a case can touch; by from, then by to.
    pub(super) fn concerned(&self, case: &[u32]) -> Vec<(u32, u32)> {
        let lists = case.iter().filter_map(|part| self.concerned.get(*part as usize));
        let mut all: Vec<(u32, u32)> = lists.flatten().copied().collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Collects the parts that have a say in one message.
struct Touched<'a> {
    mesh: &'a Offline,
    parts: &'a Parts,
    walker: Walker<'a>,
    numbers: Vec<u32>,
}

impl Touched<'_> {
    /// The numbers of the parts whose failure can touch the message; none where it does not arrive.
    fn by(&mut self, from: &NodeName, to: &NodeName) -> Vec<u32> {
        self.numbers.clear();
        let walk = self.walker.walk(from, to.as_str());
        if walk.refusal().is_some() {
            return Vec::new();
        }
        // The best way from a node without static routes has those of the nodes behind it within.
        let mut is_within = false;
        for node in &walk.path {
            self.add(&Down::Node(node.clone()));
            if !is_within {
                self.add_way(node, to);
            }
            is_within = !self.add_statics(node, to);
        }
        self.numbers.sort_unstable();
        self.numbers.dedup();
        self.numbers.clone()
    }

    /// Adds what the static routes of `node` for `to` rest on; whether there are any.
    fn add_statics(&mut self, node: &NodeName, to: &NodeName) -> bool {
        let mesh = self.mesh;
        let routes = mesh.input(mesh.graph()).statics.get(node).into_iter();
        let routes = routes.flat_map(|routes| routes.iter());
        let mut has_any = false;
        for (_, hop) in routes.filter(|(pattern, _)| pattern.matches(to.as_str())) {
            has_any = true;
            if let NextHop::Name(name) = hop
                && let Ok(name) = NodeName::parse(name)
            {
                self.add(&Down::Node(name.clone()));
                self.add_way(node, &name);
            }
        }
        if has_any {
            for (near, _) in mesh.graph().neighbours(node) {
                self.add(&Down::Node(near.clone()));
                self.add_link(node, near);
            }
        }
        has_any
    }

    /// Adds the links and nodes of the best way.
    fn add_way(&mut self, from: &NodeName, to: &NodeName) {
        let mut node = from.clone();
        while let Some(next) = self.walker.table(&node).next_hop(to) {
            let next = next.neighbour.clone();
            self.add_link(&node, &next);
            self.add(&Down::Node(next.clone()));
            node = next;
        }
    }

    fn add_link(&mut self, a: &NodeName, b: &NodeName) {
        if let Ok(link) = LinkName::new(a.clone(), b.clone()) {
            self.add(&Down::Link(link));
        }
    }

    fn add(&mut self, down: &Down) {
        self.numbers.extend(self.parts.number(down));
    }
}
