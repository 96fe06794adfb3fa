//! Where the nodes of a picture stand, and which way its lines run.

mod columns;
mod layers;
mod map;
mod order;
mod ranks;
mod spring;

use super::geometry::{Point, Rect};
use super::scene::Scene;

/// How a picture is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// As a map where every node has a position, in layers where most links have an upper end, else
    /// by springs.
    #[default]
    Auto,
    /// Upstreams above those that dial them.
    Layers,
    /// Neighbours near each other.
    Spring,
    /// Each node at its position; those that have none are left to springs, all of them.
    Map,
}

/// A picture laid out.
pub(super) struct Placed {
    /// The box of each node, or its dot on a map.
    pub(super) nodes: Vec<Rect>,
    /// The points that each link runs through, from its upper end to its lower.
    pub(super) links: Vec<Vec<Point>>,
    /// Whether nodes are dots with their names beside them.
    pub(super) is_map: bool,
    /// Where guests stand at a node.
    pub(super) guests: Vec<Side>,
}

/// A side of a node's box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Below,
    Right,
}

/// Lays `scene` out; `sizes` are those of the nodes' boxes, and of the guests of each.
pub(super) fn place(scene: &Scene, layout: Layout, sizes: &[Size]) -> Placed {
    let is_mapped = !scene.nodes.is_empty() && scene.nodes.iter().all(|n| n.position.is_some());
    let hierarchy = scene.links.iter().filter(|line| line.is_hierarchy).count();
    match layout {
        Layout::Map | Layout::Auto if is_mapped => map::place(scene),
        Layout::Layers => layers::place(scene, sizes),
        Layout::Auto if 2 * hierarchy >= scene.links.len() && ranks::is_acyclic(scene) => {
            layers::place(scene, sizes)
        }
        Layout::Auto | Layout::Spring | Layout::Map => spring::place(scene, sizes),
    }
}

/// How much room a node needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    /// Of its box.
    pub(super) width: f64,
    /// Of its box.
    pub(super) height: f64,
    /// Of its guests, one below the other; nought where there are none.
    pub(super) guests_width: f64,
    /// Of its guests.
    pub(super) guests_height: f64,
}

impl Placed {
    /// A picture whose links are straight lines between the boxes.
    fn straight(scene: &Scene, nodes: Vec<Rect>, is_map: bool) -> Self {
        let straight = |line: &super::scene::Line| {
            let (upper, lower) = (nodes[line.upper], nodes[line.lower]);
            vec![upper.edge_toward(lower.middle), lower.edge_toward(upper.middle)]
        };
        let links = scene.links.iter().map(straight).collect();
        let guests = vec![Side::Below; nodes.len()];
        Self { nodes, links, is_map, guests }
    }
}
