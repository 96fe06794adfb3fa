//! The routing tables of a planned mesh.

use hopline_mesh::name::NodeName;
use hopline_mesh::route::{Graph, Paths, StaticRoutes, WalkInput, Walker, Way, route_lines};
use hopline_mesh::wire::control::RouteLine;

use super::Offline;

impl Offline {
    /// Follows messages while nothing has failed, and keeps the tables that it has built.
    #[must_use]
    pub fn walker(&self) -> Walker<'_> {
        Walker::new(WalkInput {
            graph: &self.graph,
            upstreams: &self.upstreams,
            statics: &self.statics,
            directory: &self.directory,
            hop_limit: self.hop_limit,
        })
    }

    /// The routing table of `node` line by line, as the running node tells it.
    #[must_use]
    pub fn route_lines(&self, node: &NodeName) -> Vec<RouteLine> {
        let no_statics = StaticRoutes::new();
        let statics = self.statics.get(node).unwrap_or(&no_statics);
        route_lines(self.walker().table(node), &self.directory, statics)
    }

    /// Of the best ways between any two nodes the one with the most links; of equals the one at the
    /// greatest cost, then the first by the names of its ends.
    #[must_use]
    pub fn longest_way(&self) -> Option<Way> {
        let mut longest: Option<Way> = None;
        for node in self.graph.nodes() {
            for way in Paths::from(&self.graph, node).iter().flat_map(Paths::ways) {
                let length = |way: &Way| (way.hops(), way.cost);
                if longest.as_ref().is_none_or(|longest| length(&way) > length(longest)) {
                    longest = Some(way);
                }
            }
        }
        longest
    }

    /// The nodes and links.
    pub(crate) fn graph(&self) -> &Graph {
        &self.graph
    }

    /// How many nodes a path may hold.
    pub(crate) fn hop_limit(&self) -> u8 {
        self.hop_limit
    }
}
