//! A node's links, as `hopline status` shows them.

use std::collections::{BTreeMap, BTreeSet};

use hopline::mesh::brain::Impairment;
use hopline::mesh::name::NodeName;
use hopline::mesh::wire::control::NodeStatus;
use hopline::topo::NodePlan;
use serde::Serialize;

use crate::commands::impair::for_programs;

#[derive(Serialize)]
pub(super) struct LinkReport {
    pub(super) neighbour: NodeName,
    planned: bool,
    /// As the node says; none where it does not answer.
    up: Option<bool>,
    cut: bool,
    cost: Option<u32>,
    queued: u64,
    /// Why the neighbour cannot be reached that this end dials.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
    /// What this end makes the link suffer.
    #[serde(skip_serializing_if = "Impairment::is_none", serialize_with = "for_programs")]
    impairment: Impairment,
}

/// A node's links, planned and live, by neighbour.
pub(super) fn links(
    plan: &NodePlan,
    status: Option<&NodeStatus>,
    is_silent: bool,
) -> Vec<LinkReport> {
    let planned: BTreeMap<&NodeName, u32> =
        plan.dials.iter().chain(&plan.accepts).map(|dial| (&dial.node, dial.cost)).collect();
    let live = status.map(|status| status.links.as_slice()).unwrap_or_default();
    let mut names: BTreeSet<&NodeName> = planned.keys().copied().collect();
    names.extend(live.iter().map(|link| &link.neighbour));
    let report = |name: &NodeName| {
        let live = live.iter().find(|link| link.neighbour == *name);
        LinkReport {
            neighbour: name.clone(),
            planned: planned.contains_key(name),
            up: (!is_silent).then(|| live.is_some_and(|link| link.up)),
            cut: live.is_some_and(|link| link.cut),
            cost: live.map(|link| link.cost).or(planned.get(name).copied()),
            queued: live.map_or(0, |link| link.queued),
            trouble: live.and_then(|link| link.trouble.clone()),
            impairment: live.map(|link| link.impairment).unwrap_or_default(),
        }
    };
    names.into_iter().map(report).collect()
}

impl LinkReport {
    /// The link in words; `is_doubtful` where its other end does not answer.
    pub(super) fn text(&self, is_doubtful: bool) -> String {
        match (self.up, self.cut, self.planned) {
            (None, ..) => format!("{} (?)", self.neighbour),
            (Some(true), ..) if is_doubtful => format!("{} (?)", self.neighbour),
            (Some(true), _, true) if self.impairment.is_none() => self.neighbour.to_string(),
            (Some(true), _, true) => format!("{} ({})", self.neighbour, self.impairment),
            (Some(true), _, false) => format!("{} (not planned)", self.neighbour),
            (Some(false), true, _) => format!("{} (cut)", self.neighbour),
            (Some(false), false, _) => format!("{} (down)", self.neighbour),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_with_an_end_that_does_not_answer_is_not_known() {
        let link = |up| LinkReport {
            neighbour: NodeName::parse("west").unwrap(),
            planned: true,
            up,
            cut: false,
            cost: None,
            queued: 0,
            trouble: None,
            impairment: Impairment::default(),
        };
        assert_eq!(link(Some(true)).text(false), "west");
        let impairment = Impairment { loss_ppm: Some(10_000), ..Impairment::default() };
        let impaired = LinkReport { impairment, ..link(Some(true)) };
        assert_eq!(impaired.text(false), "west (loss 1%)");
        assert_eq!(link(Some(true)).text(true), "west (?)");
        assert_eq!(link(Some(false)).text(true), "west (down)");
        assert_eq!(link(None).text(false), "west (?)");
    }
}
