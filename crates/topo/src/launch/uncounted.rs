//! Whether counts of messages are lost to the ledger of a mesh: those of nodes' runs that have ended, and those of nodes
//! that are not in the file.

use hopline_mesh::wire::control::NodeStatus;

use super::error::LaunchError;
use super::place::Place;
use super::store;
use super::supervise::Supervisor;
use crate::plan::Plan;

/// Whether the supervisor of `place` says that counts are lost. A file that is damaged says so too.
pub(super) fn has_lost(place: &Place) -> bool {
    let lost: Result<Option<bool>, LaunchError> = store::read(&place.uncounted());
    lost.map_or(true, |lost| lost.unwrap_or_default())
}

/// Whether a node reaches one that is not in the plan.
#[must_use]
pub fn has_guests(plan: &Plan, status: &NodeStatus) -> bool {
    status.reachable.iter().any(|node| !plan.nodes.contains_key(node))
}

impl Supervisor {
    /// Notes, for as long as the supervisor lives, that counts are lost.
    pub(super) fn lose_counts(&mut self) -> Result<(), LaunchError> {
        if !self.has_lost_counts {
            store::write(&self.place.uncounted(), &true)?;
            self.has_lost_counts = true;
        }
        Ok(())
    }
}
