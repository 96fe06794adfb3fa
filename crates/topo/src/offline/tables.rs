//! The routing tables of a planned mesh.

use hopline_mesh::name::NodeName;
use hopline_mesh::route::{Paths, StaticRoutes, Way, route_lines};
use hopline_mesh::wire::control::RouteLine;

use super::Offline;

impl Offline {
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
        let mut longest: Option<((u32, u64), Way)> = None;
        for node in self.graph.nodes() {
            let Some(paths) = Paths::from(&self.graph, node) else {
                continue;
            };
            for (to, cost, hops) in paths.reached() {
                if longest.as_ref().is_none_or(|(length, _)| (hops, cost) > *length) {
                    longest = paths.way(to).map(|way| ((hops, cost), way));
                }
            }
        }
        longest.map(|(_, way)| way)
    }
}
