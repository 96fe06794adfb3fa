//! A topology as nodes and lines by number, ready to be laid out and painted.

use std::collections::BTreeMap;

use hopline_mesh::name::NodeName;

use super::{Marks, edges};
use crate::topology::{Position, Topology};

/// What is to be drawn.
pub(super) struct Scene {
    /// The mesh's name.
    pub(super) title: String,
    /// The nodes, by name.
    pub(super) nodes: Vec<Spot>,
    /// The links.
    pub(super) links: Vec<Line>,
    /// The steps of the route: the nodes' numbers.
    pub(super) route: Vec<usize>,
}

/// A node with what stands at it.
pub(super) struct Spot {
    pub(super) name: String,
    pub(super) label: Option<String>,
    pub(super) position: Option<Position>,
    /// The planned clients, and the services that are offered here.
    pub(super) guests: Vec<Guest>,
    pub(super) is_down: bool,
}

/// A client or a service at a node.
#[derive(Clone)]
pub(super) struct Guest {
    pub(super) name: String,
    pub(super) is_service: bool,
}

/// A link between two nodes.
pub(super) struct Line {
    /// The upper end, where one is above the other.
    pub(super) upper: usize,
    /// The other end.
    pub(super) lower: usize,
    /// Whether one end is above the other.
    pub(super) is_hierarchy: bool,
    /// The cost where it is not the default.
    pub(super) cost: Option<u32>,
    pub(super) is_down: bool,
    /// The number of the node where a message of the route enters the link.
    pub(super) route_from: Option<usize>,
}

impl Scene {
    pub(super) fn new(topology: &Topology, marks: &Marks) -> Self {
        let numbers: BTreeMap<&NodeName, usize> = topology.nodes().keys().zip(0..).collect();
        let mut guests: BTreeMap<&NodeName, Vec<Guest>> = BTreeMap::new();
        for (name, service) in topology.services() {
            for at in &service.at {
                let guest = Guest { name: name.clone(), is_service: true };
                guests.entry(at).or_default().push(guest);
            }
        }
        for (name, at) in topology.clients() {
            let guest = Guest { name: name.clone(), is_service: false };
            guests.entry(at).or_default().push(guest);
        }
        let spot = |(name, node): (&NodeName, &crate::topology::Node)| Spot {
            name: name.to_string(),
            label: node.label().map(str::to_owned),
            position: node.position(),
            guests: guests.remove(name).unwrap_or_default(),
            is_down: marks.down_nodes.contains(name),
        };
        let nodes = topology.nodes().iter().map(spot).collect();
        let lines = edges(topology, marks).into_iter().filter_map(|edge| {
            let upper = *numbers.get(&edge.upper)?;
            let lower = *numbers.get(&edge.lower)?;
            let mut steps = marks.route.windows(2);
            let step = steps.find(|step| edge.name.other(&step[0]) == Some(&step[1]));
            Some(Line {
                upper,
                lower,
                is_hierarchy: edge.is_hierarchy,
                cost: edge.cost,
                is_down: edge.is_down(),
                route_from: step.and_then(|step| numbers.get(&step[0]).copied()),
            })
        });
        Self {
            title: topology.name().to_string(),
            links: lines.collect(),
            nodes,
            route: marks.route.iter().filter_map(|name| numbers.get(name).copied()).collect(),
        }
    }

    /// The neighbours of each node.
    pub(super) fn neighbours(&self) -> Vec<Vec<usize>> {
        let mut all = vec![Vec::new(); self.nodes.len()];
        for line in &self.links {
            all[line.upper].push(line.lower);
            all[line.lower].push(line.upper);
        }
        all
    }

    /// The number of clients and services.
    pub(super) fn clients(&self) -> usize {
        let guests = self.nodes.iter().flat_map(|node| &node.guests);
        guests.filter(|guest| !guest.is_service).count()
    }
}
