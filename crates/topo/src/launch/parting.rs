//! The plan between two others: all that is new, and still the nodes that are to go, with their links.
//!
//! ```text
//!  a mesh is to be  src--t2--dst       first  src--t2--dst     then t1 leaves, and nothing
//!  where it was     src--t1--dst              src--t1--dst     that stays waits for it
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hopline_mesh::name::NodeName;
use tokio::time::Instant;

use super::agreement::{disagreement_of, missing};
use super::apply::{Applied, Hearing};
use super::error::LaunchError;
use super::handover::{Changing, Handover};
use super::supervise::Supervisor;
use crate::plan::{Dial, NodePlan, Plan};

/// How long removed nodes wait for the others to have their new ways,
const NEW_WAYS: Duration = Duration::from_secs(5);
/// and how often it is looked whether they have.
const LOOK: Duration = Duration::from_millis(20);

impl Supervisor {
    /// Applies a plan, at first with the removed nodes that run and whose ports nobody takes.
    pub(super) async fn apply_and_part(
        &mut self,
        plan: Plan,
        hearing: &mut Hearing<'_>,
    ) -> Result<Applied, LaunchError> {
        let before = self.launch.plan.clone();
        let new = only_in(&plan.nodes, &before.nodes);
        let gone = only_in(&before.nodes, &plan.nodes);
        let restart: Vec<NodeName> = self.would_restart(&plan).into_keys().collect();
        let changing = Changing { new: &new, gone: &gone, restart: &restart };
        let givers = Handover::new(&plan, &self.listening(), changing).givers;
        let parts = |node: &NodeName| self.is_up(node) && !givers.contains(node);
        let parting: BTreeSet<NodeName> = gone.into_iter().filter(parts).collect();
        if parting.is_empty() {
            return self.apply(plan, &parting, hearing).await;
        }
        let between = with_parting(&before, &plan, &parting);
        let first = self.apply(between.clone(), &parting, hearing).await?;
        self.hear_of_new_ways(&before, between, hearing).await?;
        let then = self.apply(plan, &BTreeSet::new(), hearing).await?;
        Ok(first.and_then(then, &new))
    }

    /// Waits for a while until the links that are in this plan and were not in the one `before` are up, and all know.
    async fn hear_of_new_ways(
        &mut self,
        before: &Plan,
        mut plan: Plan,
        hearing: &mut Hearing<'_>,
    ) -> Result<(), LaunchError> {
        plan.nodes.retain(|node, _| self.is_up(node));
        for (name, node) in &mut plan.nodes {
            let old = before.nodes.get(name).map(|node| node.dials.iter().chain(&node.accepts));
            let old: BTreeSet<&NodeName> =
                old.into_iter().flatten().map(|dial| &dial.node).collect();
            let is_new = |dial: &Dial| self.is_up(&dial.node) && !old.contains(&dial.node);
            node.dials.retain(is_new);
            node.accepts.retain(is_new);
        }
        let deadline = Instant::now() + NEW_WAYS;
        loop {
            let lack =
                missing(&plan, &self.statuses).or_else(|| disagreement_of(&plan, &self.statuses));
            if lack.is_none() || Instant::now() >= deadline || hearing.stop.is_cancelled() {
                return Ok(());
            }
            self.orders.send_modify(|orders| orders.asked += 1);
            self.hear_until(hearing, LOOK, |_| false).await?;
        }
    }
}

impl Applied {
    /// Both changes as one, of which this was the first; these nodes are `new` since before it.
    fn and_then(self, mut then: Self, new: &[NodeName]) -> Self {
        let Self { started, stopped, restarted, .. } = self;
        then.started.extend(started);
        then.stopped.extend(stopped);
        then.restarted.extend(restarted);
        // Those that came up late are started all the same.
        let late = new.iter().filter(|node| then.switched.contains(*node)).cloned();
        then.started.extend(late.collect::<Vec<_>>());
        then.started.sort();
        then.started.dedup();
        then.stopped.sort();
        then.switched
            .retain(|node| !then.started.contains(node) && !then.restarted.contains_key(node));
        then
    }
}

/// The nodes of `these` that are not among the others.
fn only_in(
    these: &BTreeMap<NodeName, NodePlan>,
    others: &BTreeMap<NodeName, NodePlan>,
) -> Vec<NodeName> {
    these.keys().filter(|node| !others.contains_key(*node)).cloned().collect()
}

/// `next`, with the nodes of `parting` and their links as they are in `now`.
pub(super) fn with_parting(now: &Plan, next: &Plan, parting: &BTreeSet<NodeName>) -> Plan {
    let mut between = next.clone();
    for (name, node) in now.nodes.iter().filter(|(name, _)| parting.contains(*name)) {
        between.nodes.insert(name.clone(), node.clone());
    }
    let there: BTreeSet<NodeName> = between.nodes.keys().cloned().collect();
    for (name, node) in &mut between.nodes {
        if parting.contains(name) {
            let is_there = |dial: &Dial| there.contains(&dial.node);
            node.dials.retain(is_there);
            node.accepts.retain(is_there);
            node.upstreams.retain(|(upstream, _)| there.contains(upstream));
        } else if let Some(before) = now.nodes.get(name) {
            let goes = |dial: &&Dial| parting.contains(&dial.node);
            node.dials.extend(before.dials.iter().filter(goes).cloned());
            node.accepts.extend(before.accepts.iter().filter(goes).cloned());
        }
    }
    between
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> Plan {
        Plan::new(&crate::parse("m.toml", &format!("[mesh]\nname = 'm'\n{text}")).unwrap().topology)
    }

    #[test]
    fn what_goes_keeps_its_links_to_what_is_there_and_what_is_new_has_its_own() {
        let now = plan(
            "[nodes.src]\n[nodes.t1]\nupstream = ['src', 'x']\n[nodes.x]\n[nodes.dst]\nupstream = ['t1']\n",
        );
        let next =
            plan("[nodes.src]\n[nodes.t2]\nupstream = ['src']\n[nodes.dst]\nupstream = ['t2']\n");
        let between = with_parting(&now, &next, &[NodeName::parse("t1").unwrap()].into());
        let names = |dials: &[Dial]| -> Vec<String> {
            dials.iter().map(|dial| dial.node.as_str().to_owned()).collect()
        };
        let links = |of: &str| {
            let node = &between.nodes[of];
            [names(&node.dials).join(" "), names(&node.accepts).join(" ")]
        };
        assert_eq!(links("src"), ["", "t2 t1"]);
        assert_eq!(links("dst"), ["t2 t1", ""]);
        assert_eq!(links("t1"), ["src", "dst"], "`x` is not there any more");
        assert_eq!(links("t2"), ["src", "dst"]);
        assert_eq!(between.nodes.len(), 4);
        assert_eq!(with_parting(&now, &next, &BTreeSet::new()), next);
    }
}
